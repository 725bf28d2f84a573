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
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, Runner
from mmengine.utils.dl_utils import mmcv_full_available

from depth_refine.utils import compat


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
    'epoch': (dict(by_epoch=True, max_epochs=2), dict(type='OneCycleLR', eta_max=0.1, total_steps=4), 'Adam'),
    'iter': (dict(by_epoch=False, max_iters=2), dict(type='PolyLR'), 'SGD'),
}


@pytest.fixture(scope='module', params=LOOPS)
def work_dir(request, tiny_training, tmp_path_factory):
    work_dir, (loop, scheduler, optimizer) = tmp_path_factory.mktemp(request.param), LOOPS[request.param]
    by_epoch, options = loop['by_epoch'], tiny_training(work_dir)
    options |= dict(
        val_dataloader=options['train_dataloader'],
        train_cfg=dict(loop, val_interval=1),
        val_cfg=dict(),
        val_evaluator=Evaluator(TinyMetric()),
        optim_wrapper=dict(optimizer=dict(type=optimizer, lr=1e-3)),
        param_scheduler=dict(scheduler, by_epoch=by_epoch),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=1, by_epoch=by_epoch, save_best='tiny/error', rule='less')
        ),
        custom_hooks=[dict(type='EMAHook'), FillMessageHub()],
    )
    Runner(**options).train()
    return work_dir


def plain(value):
    """Types and content, which can be compared."""
    content = value
    if isinstance(value, dict):
        content = [(key, plain(item)) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        content = [plain(item) for item in value]
    elif isinstance(value, HistoryBuffer):
        content = plain([*value.data, value.max_length, value.current()])
    elif isinstance(value, np.ndarray | np.generic | torch.Tensor):
        array = np.asarray(value)
        content = array.dtype, array.shape, array.tobytes()
    return type(value), content


def test_mmengine_checkpoints_load_as_they_were_saved(work_dir, monkeypatch):
    files = sorted(work_dir.glob('*.pth'))
    assert any(file.name.startswith('best_') for file in files)
    for file in files:
        with monkeypatch.context() as new_process:  # which has made no buffer yet
            new_process.setattr(HistoryBuffer, '_statistics_methods', {})
            actual = CheckpointLoader.load_checkpoint(str(file), map_location='cpu')
        expected = torch.load(file, map_location='cpu', weights_only=False)
        assert plain(actual) == plain(expected)
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
    assert plain(compat.load_from_file(str(path))) == plain(checkpoint)


def test_map_location_and_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    torch.save(dict(weight=torch.ones(2)), tmp_path / 'weights.pth')
    assert compat.load_from_file('~/weights.pth', map_location='meta')['weight'].is_meta
