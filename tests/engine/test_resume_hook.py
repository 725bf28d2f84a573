import copy
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config, ConfigDict
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmpose.registry import HOOKS

from depth_refine.engine import resume_hook
from depth_refine.utils.errors import InputError

CONFIG = dict(
    model=dict(type='A', backbone=dict(channels=8, dropout=0.25)),
    train_dataloader=dict(batch_size=4, num_workers=2, dataset=dict(type='B', data_root='data')),
    train_cfg=dict(max_epochs=5),
)
NAMES = {0: 'hip', 1: 'knee'}
META = dict(
    keypoint_id2name=NAMES,
    sigmas=np.array([0.1, 0.2], np.float32),
    joint_weights=np.ones((2, 1)),
    flip_indices=[0, 1],
    frame_rate=50.0,
    cameras=[dict(f=[1.1, 1.2], aspect=1.0)],
)


@pytest.fixture
def notes(monkeypatch):
    """A function that resumes a checkpoint of two epochs of 3 iterations: what the hook says."""

    def notes(checkpoint=(), trained=(), config=(), kind=EpochBasedTrainLoop):
        cfg = Config(copy.deepcopy(CONFIG))
        meta = dict(epoch=2, iter=6, cfg=cfg.pretty_text, dataset_meta=copy.deepcopy(META) | dict(trained))
        found = dict(meta=meta, optimizer={}) | dict(checkpoint)
        cfg.merge_from_dict(dict(config))
        loop = kind.__new__(kind)
        loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=META))
        loop.__dict__.update(_max_epochs=cfg.train_cfg.max_epochs, dataloader=range(3))
        runner = SimpleNamespace(_resume=True, _load_from='a.pth', _train_loop=loop, train_dataloader=loader, cfg=cfg)
        said = []
        monkeypatch.setattr(resume_hook, 'print_log', lambda text, **_: said.append(text))
        HOOKS.build(dict(type='ResumeHook')).after_load_checkpoint(runner, found)
        assert found['meta'].get('dataset_meta', META) is META, 'MMEngine compares bytes'
        return [text.removeprefix('resuming a.pth: ') for text in said]

    return notes


def test_silence_where_all_is_well(notes):
    as_loaded = dict(flip_indices=(0, 1), sigmas=np.array([0.1, 0.2], '>f4'), keypoint_id2name=ConfigDict(NAMES))
    assert notes(trained=as_loaded) == []
    moved = {'train_dataloader.dataset.data_root': 'elsewhere', 'train_dataloader.num_workers': 0}
    assert notes(config=moved | {'train_cfg.max_epochs': 3}) == []
    assert notes(kind=IterBasedTrainLoop) == []


@pytest.mark.parametrize(
    ('trained', 'message'),
    [
        (dict(frame_rate=25.0), 'the training data differ: frame_rate (25.0 before, 50.0 now)'),
        (dict(sigmas=np.zeros(2), more=1), 'the training data differ: more (1 before, None now), sigmas'),
        (dict(cameras=[dict(f=[1.1, 1.3], aspect=1.0)]), 'the training data differ: cameras'),
    ],
)
def test_other_data_are_named(notes, trained, message):
    (note,) = notes(trained=trained)
    assert note.startswith(message)


def test_another_config_is_named(notes):
    changes = {'model.backbone.dropout': 0.5, 'train_dataloader.batch_size': 8}
    assert notes(config=changes) == [
        "the config differs, but optimiser and schedules go on as the checkpoint's: "
        'model.backbone.dropout (0.25 before, 0.5 now), train_dataloader.batch_size (4 before, 8 now)'
    ]


@pytest.mark.parametrize(
    'text', [None, 'no config ((', '(' * 500, "open('ran', 'w')\nmodel = dict(a=open('ran', 'w'))"]
)
def test_a_config_in_a_checkpoint_is_not_run(notes, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    meta = dict(epoch=2, iter=6, dataset_meta=META, cfg=text, config="open('ran', 'w')")
    notes(dict(meta=meta))
    assert 'config' not in meta and not list(tmp_path.iterdir())


def test_epochs_that_do_not_fit(notes):
    (note,) = notes(config={'train_cfg.max_epochs': 2})
    assert note == 'it has 2 epochs and the config asks for 2, train_cfg.max_epochs: nothing is left to train'
    (note,) = notes(dict(meta=dict(epoch=2, iter=10)))
    assert note == 'an epoch had 5 iterations and has 3: data, batch size or processes differ'


@pytest.mark.parametrize(
    ('checkpoint', 'trained', 'message'),
    [
        (dict(meta=dict(dataset_meta={})), {}, 'holds weights alone, .* give --cfg-options load_from=PATH'),
        (dict(meta=None), {}, 'a.pth holds weights alone'),
        (
            dict(meta=dict(epoch=0, iter=500)),
            {},
            'counts iterations, of which it has 500, and the config counts epochs',
        ),
        ({}, dict(keypoint_id2name={0: 'knee', 1: 'hip'}), r"a.pth was trained with the joints \['knee', 'hip'\], but"),
    ],
)
def test_what_cannot_be_resumed(notes, checkpoint, trained, message):
    with pytest.raises(InputError, match=message):
        notes(checkpoint, trained)
