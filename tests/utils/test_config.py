import pytest
from mmpose.registry import DATASETS

from depth_refine.datasets import H36MDepthSequenceDataset, H36MImageDataset
from depth_refine.utils.config import is_dataset_type, load_config
from depth_refine.utils.errors import InputError


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('absent.py', None, 'no config file .*absent.py'),
        ('config.py', 'a = (', 'not a usable con'),
        ('card.md', '', 'card.md is not a config: expected a Python file as in configs/, whose name ends in .py$'),
    ],
)
def test_config_that_cannot_be_used(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        load_config(str(path), {})


def test_data_root_moves_the_data_sets_that_lie_there():
    cfg = load_config('configs/integral_h36m.py', dict(data_root='elsewhere'))
    roots = {source.type: source.data_root for source in cfg.train_dataloader.dataset.datasets}
    assert roots == dict(H36MImageDataset='elsewhere', CocoBodyDataset='data/coco/', MpiiBodyDataset='data/mpii/')
    assert cfg.val_dataloader.dataset.data_root == cfg.test_dataloader.dataset.data_root == 'elsewhere'
    own = {'data_root': 'elsewhere', 'train_dataloader.dataset.data_root': 'own'}
    cfg = load_config('configs/refiner_243.py', own)
    assert cfg.train_dataloader.dataset.data_root == 'own' and cfg.test_dataloader.dataset.data_root == 'elsewhere'


def test_data_root_without_a_data_set_there(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text("data_root = 'here'\ntest_dataloader = dict(dataset=dict(data_root='there'))\n")
    with pytest.raises(InputError, match=r"data_root=new: no data set of .*config\.py lies in its data_root, 'here'"):
        load_config(str(path), dict(data_root='new'))


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        (
            'bbox_policy',
            r"no setting 'bbox_policy'; set it where it is used: test_dataloader\.dataset\.bbox_policy, tr",
        ),
        ('train_pipeline.2.sigma_depth', r'where it is used: train_dataloader\.dataset\.pipeline\.2\.sigma_depth$'),
        ('codec.normalisation', 'has copied this variable by then: change it in a config of your own'),
        ('data_rot', "no setting 'data_rot'; expected one of .*data_root, default_hooks"),
    ],
)
def test_an_option_that_nothing_reads_is_refused(option, message):
    with pytest.raises(InputError, match=message):
        load_config('configs/refiner_27.py', {option: 0})


def test_data_sets_are_known_by_their_class():
    class OwnFrames(H36MImageDataset):
        """Of a user."""

    DATASETS.register_module(module=OwnFrames)
    try:
        kinds = ['H36MImageDataset', 'mmpose.H36MImageDataset', H36MImageDataset, 'OwnFrames', OwnFrames]
        assert all(is_dataset_type(dict(type=kind), H36MImageDataset) for kind in kinds)
        assert all(is_dataset_type(dict(type=kind), 'H36MImageDataset') for kind in kinds)
        assert not is_dataset_type(dict(type=H36MImageDataset), OwnFrames)
    finally:
        del DATASETS.module_dict['OwnFrames']
    others = [H36MDepthSequenceDataset, 'CombinedDataset', 'Resize', 'nowhere', len, None]
    nodes = [dict(type=other) for other in others] + [{}, 'H36MImageDataset', [dict(type=H36MImageDataset)]]
    assert not any(is_dataset_type(node, H36MImageDataset) for node in nodes)
