import importlib.util
import io
import pkgutil
import sys
import zipfile
from collections import OrderedDict

import mmpose
import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import CheckpointLoader, Runner
from mmengine.utils.dl_utils import mmcv_full_available
from torch.utils.data import Dataset

from depth_refine.utils import compat

# compiled operators


def test_all_of_mmpose_imports():
    for module in pkgutil.walk_packages(mmpose.__path__, 'mmpose.', onerror=pytest.fail):
        importlib.import_module(module.name)


@pytest.mark.skipif(mmcv_full_available(), reason='a full mmcv is installed')
def test_stand_in_is_gone_and_each_op_says_what_is_missing():
    import mmcv.ops

    assert 'mmcv._ext' not in sys.modules
    with pytest.raises(RuntimeError, match=r"operator 'nms' is compiled code.*replace mmcv-lite by a full mmcv"):
        mmcv.ops.nms(torch.rand(3, 4), torch.rand(3), 0.5)


def test_full_mmcv_is_left_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, 'mmcv.ops')
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: name == 'mmcv._ext' and object())
    compat._import_mmcv_ops()
    assert 'mmcv.ops' not in sys.modules
    assert 'mmcv._ext' not in sys.modules


# MMEngine's checkpoints


class TinyModel(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)

    def forward(self, inputs, mode='tensor'):
        outputs = self.layer(torch.stack(inputs))
        return dict(loss=outputs.square().mean()) if mode == 'loss' else [outputs]


class TinyDataset(Dataset):
    metainfo = dict(
        sigmas=np.array([0.1, 0.2], np.float32),
        names=np.array(['hip', 'knee']),
        by_column=np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        big_endian=np.arange(3, dtype='>i4'),
        empty=np.zeros((0, 2)),
        scalar=np.array(3),
        flip_indices=(1, 0),
        nested=ConfigDict(weights=[np.ones(2)]),
    )

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return dict(inputs=torch.full((3,), float(index)))


class TinyMetric(BaseMetric):
    default_prefix = 'tiny'

    def process(self, data_batch, data_samples):
        self.results.append(1)

    def compute_metrics(self, results):
        return dict(error=np.float64(1.5))


class FillMessageHub(Hook):
    def before_train(self, runner):
        info = dict(flag=np.bool_(True), text=np.str_('ab'), array=np.arange(3), tensor=torch.rand(2))
        for key, value in info.items():
            runner.message_hub.update_info(key, value)


LOOPS = {
    'epoch': (True, dict(type='OneCycleLR', eta_max=0.1, total_steps=4), dict(type='Adam', amsgrad=True)),
    'iter': (False, dict(type='PolyLR'), dict(type='SGD', momentum=0.9)),
}


@pytest.fixture(scope='module', params=LOOPS)
def work_dir(request, tmp_path_factory):
    """What MMEngine writes."""
    work_dir, (by_epoch, scheduler, optimizer) = tmp_path_factory.mktemp(request.param), LOOPS[request.param]
    data = dict(batch_size=4, dataset=TinyDataset(), sampler=dict(type='DefaultSampler'))
    Runner(
        model=TinyModel(),
        work_dir=str(work_dir),
        train_dataloader=data,
        val_dataloader=data,
        train_cfg=dict(by_epoch=by_epoch, val_interval=1, **{'max_epochs' if by_epoch else 'max_iters': 2}),
        val_cfg=dict(),
        val_evaluator=Evaluator(TinyMetric()),
        optim_wrapper=dict(optimizer=dict(optimizer, lr=1e-3)),
        param_scheduler=dict(scheduler, by_epoch=by_epoch),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=1, by_epoch=by_epoch, save_best='tiny/error', rule='less')
        ),
        custom_hooks=[dict(type='EMAHook'), FillMessageHub()],
        experiment_name=work_dir.name,
        default_scope='mmengine',
        log_level='ERROR',
    ).train()
    return work_dir


def assert_same(actual, expected):
    assert type(actual) is type(expected)
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        for key in expected:
            assert_same(actual[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, np.ndarray | np.generic):
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected, strict=True)
    elif isinstance(expected, torch.Tensor):
        torch.testing.assert_close(actual, expected, rtol=0, atol=0)
    elif isinstance(expected, HistoryBuffer):
        assert_same(actual.data, expected.data)
        assert actual.max_length == expected.max_length
        assert actual.current() == expected.current()
    else:
        assert actual == expected


def test_mmengine_checkpoints_load_as_they_were_saved(work_dir, monkeypatch):
    files = sorted(work_dir.glob('*.pth'))
    assert any(file.name.startswith('best_') for file in files)
    for file in files:
        with monkeypatch.context() as new_process:  # which has made no buffer yet
            new_process.setattr(HistoryBuffer, '_statistics_methods', {})
            actual = CheckpointLoader.load_checkpoint(str(file), map_location='cpu')
        expected = torch.load(file, map_location='cpu', weights_only=False)
        assert_same(actual, expected)
        assert actual['state_dict']._metadata == expected['state_dict']._metadata


def with_numpy_1_names(data):
    return data.replace(b'numpy._core.multiarray', b'numpy.core.multiarray')


@pytest.mark.parametrize('zipped', [True, False])
def test_published_checkpoints_of_older_versions_load(tmp_path, zipped):
    meta = dict(CLASSES=('person',), score=np.float64(0.75), sigmas=np.array([0.026, 0.025], np.float32))
    weights = OrderedDict(weight=torch.arange(6.0).reshape(2, 3), half=torch.ones(2, dtype=torch.half))
    checkpoint = dict(meta=meta, state_dict=weights)
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer, _use_new_zipfile_serialization=zipped)
    path = tmp_path / 'published-1a2b3c4d_20210101.pth'
    if zipped:
        with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, 'w') as new:
            for name in old.namelist():
                new.writestr(name, with_numpy_1_names(old.read(name)))
    else:
        path.write_bytes(with_numpy_1_names(buffer.getvalue()))
    assert b'numpy.core.multiarray' in path.read_bytes()
    assert_same(compat.load_from_file(str(path)), checkpoint)


def test_map_location_and_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    torch.save(dict(weight=torch.ones(2)), tmp_path / 'weights.pth')
    assert compat.load_from_file('~/weights.pth', map_location='meta')['weight'].is_meta
