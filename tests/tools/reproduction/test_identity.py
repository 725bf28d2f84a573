import copy
import shutil

import pytest
from mmengine.config import Config
from reproduction.identity import claim, data_identity, file_identity, h36m_datasets, read_json

from depth_refine.utils.errors import InputError


@pytest.fixture
def cfg(data_root):
    def split(name):
        dataset = dict(type='H36MImageDataset', data_root=str(data_root))
        return dict(dataset=dict(dataset, ann_file=f'annotation_body3d/fps50/h36m_{name}.npz'), num_workers=2)

    return Config(
        dict(
            model=dict(type='A', channels=3),
            train_dataloader=split('train'),
            test_dataloader=split('test'),
            test_evaluator=dict(type='M', num_joints=17),
            train_cfg=dict(max_epochs=2),
        )
    )


@pytest.mark.parametrize('work', ['epoch_1.pth', 'result.json'])
def test_work_of_something_else(work, cfg, data_root, tmp_path, monkeypatch):
    folder = tmp_path / 'cell'
    claim(folder, cfg, schedule='short')
    claim(folder, cfg, schedule='full')  # nothing was made yet
    (folder / work).write_text('')
    cfg.train_dataloader.num_workers = 4  # which changes nothing
    moved = tmp_path / 'moved'
    shutil.copytree(data_root / 'annotation_body3d', moved / 'annotation_body3d')
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(moved)
    claim(folder, cfg, schedule='full')

    message = r'cell holds the work of another schedule \(full instead of short\): remove it'
    with pytest.raises(InputError, match=message):
        claim(folder, cfg, schedule='short')
    for part, key, value in (('config', 'model', dict(type='B')), ('evaluation', 'test_evaluator', dict(type='N'))):
        other = copy.deepcopy(cfg)
        other[key] = value
        with pytest.raises(InputError, match=f'another {part}'):
            claim(folder, other, schedule='full')
    with monkeypatch.context() as patch:
        patch.setattr('reproduction.identity.get_world_size', lambda: 2)
        with pytest.raises(InputError, match=r'another number of processes \(1 instead of 2\)'):
            claim(folder, cfg, schedule='full')
    (moved / 'annotation_body3d/cameras.pkl').write_bytes(b'other')
    file_identity.cache_clear()
    with pytest.raises(InputError, match='another data'):
        claim(folder, cfg, schedule='full')
    (folder / 'identity.json').unlink()
    with pytest.raises(InputError, match='holds work whose data was not recorded: remove it'):
        claim(folder, cfg)


def test_data(cfg, data_root, tmp_path):
    assert len(data_identity(cfg).split()) == 3  # two annotations and the cameras of both
    combined = copy.deepcopy(cfg)
    combined.train_dataloader.dataset = dict(
        type='CombinedDataset', datasets=[cfg.train_dataloader.dataset, dict(type='CocoBodyDataset', ann_file='c')]
    )
    assert data_identity(combined) == data_identity(cfg)
    assert len(list(h36m_datasets([combined.train_dataloader, combined.test_dataloader]))) == 2
    for name, what in (('cameras.pkl', 'camera file'), ('fps50/h36m_test.npz', 'test annotation')):
        root = tmp_path / what
        shutil.copytree(data_root / 'annotation_body3d', root / 'annotation_body3d')
        (root / 'annotation_body3d' / name).unlink()
        for loader in (cfg.train_dataloader, cfg.test_dataloader):
            loader.dataset.data_root = str(root)
        with pytest.raises(InputError, match=f'no {what} .*give a data root in Human3.6M layout'):
            data_identity(cfg)


@pytest.mark.parametrize(
    ('text', 'message'), [('', 'is not a readable'), ('[' * 100_000, 'is not a readable'), ('[1]', 'object, got list')]
)
def test_damaged_files(tmp_path, text, message):
    (tmp_path / 'result.json').write_text(text)
    with pytest.raises(InputError, match=rf'result\.json.*{message}'):
        read_json(tmp_path / 'result.json')
