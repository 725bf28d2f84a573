"""The tools as a user runs them, tiny: train, test, extract, train, test; then a bad input to each of them."""

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
INTEGRAL, REFINER = (ROOT / f'configs/demo/{name}.py' for name in ('integral', 'refiner'))
SPLITS = ('train', 'val', 'test')


def options(data_root, **extra):
    workers = {f'{split}_dataloader.num_workers': 0 for split in SPLITS}
    return ['--cfg-options', *(f'{key}={value}' for key, value in ({'data_root': data_root} | workers | extra).items())]


def integral_options(data_root, **extra):
    small = {'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1, 'train_dataloader.batch_size': 8}
    return options(data_root, **small, **{'default_hooks.logger.interval': 1}, **extra)


def refiner_options(data_root, epochs=2, **extra):
    fields = {f'{split}_dataloader.dataset.seq_len': 9 for split in SPLITS}
    small = {'model.backbone.num_blocks': 1, 'train_cfg.max_epochs': epochs, 'train_cfg.val_interval': 1}
    return options(data_root, **fields, **small, **{'default_hooks.logger.interval': 1}, **extra)


@pytest.fixture(scope='module')
def data_root(data_root, tmp_path_factory):
    """A copy of the synthetic data root, which gets stores; files are links."""
    return shutil.copytree(data_root, tmp_path_factory.mktemp('data') / 'h36m', copy_function=os.link)


@pytest.fixture(scope='module')
def run(run_tool):
    """Run a tool and return what it printed, or with ``fails=True`` the one message with which it exits."""

    def run(tool, *arguments, fails=False):
        ended = run_tool(tool, *arguments)
        assert str(ended.status).startswith('error: ' if fails else '0'), ended
        return ended.status if fails else ended.out

    return run


@pytest.fixture(scope='module')
def one_error(run):
    return functools.partial(run, fails=True)


@pytest.fixture(scope='module')
def stores(data_root):
    return data_root / 'depth_sequences/integral'


@pytest.fixture(scope='module')
def first_stage(run, data_root, stores, tmp_path_factory):
    """A trained and tested first stage, and the stores it makes; work directory."""
    work_dir = tmp_path_factory.mktemp('integral')
    command = [sys.executable, ROOT / 'tools/train.py', INTEGRAL, '--work-dir', work_dir, *integral_options(data_root)]
    subprocess.run(list(map(str, command)), check=True)  # one tool as users run it, in a process of its own
    checkpoint = work_dir / 'epoch_1.pth'
    outputs = ['--work-dir', work_dir, '--out', work_dir / 'metrics.json', '--show-dir', 'figures', '--interval', 40]
    run('test', INTEGRAL, checkpoint, *outputs, *integral_options(data_root))
    run('extract_depth_sequences', INTEGRAL, checkpoint, '--out', stores, *options(data_root))
    return work_dir


def test_first_stage(first_stage):
    metrics = json.loads((first_stage / 'metrics.json').read_text())
    assert 10 < metrics['h36m/P-MPJPE_mm'] <= metrics['h36m/N-MPJPE_mm'] * 1.01 < 2000
    assert metrics['h36m/MPJPE_mm'] >= metrics['h36m/P-MPJPE_mm']
    assert list(first_stage.glob('*/figures/*.png'))


def test_stores(data_root, stores, first_stage):
    keypoints = np.load(stores / 'h36m_train/keypoints.npy')
    part = np.load(data_root / 'annotation_body3d/fps50/h36m_train.npz')['part'][..., :2]
    assert keypoints.shape == (len(part), 17, 3) and np.isfinite(keypoints).all()
    # an untrained network predicts the middle of the box, which is the middle of the person
    assert np.abs(keypoints[..., :2] - part).max() < 64 and np.abs(keypoints[..., 2]).max() < 0.75
    meta = json.loads((stores / 'h36m_train/store.json').read_text())
    assert meta['checkpoint']['file'] == 'epoch_1.pth' and meta['config'] == 'integral.py'
    assert (meta['bbox_policy'], meta['image_size'], meta['flip_test']) == ('annotation', [64, 64], False)


def test_extraction_keeps_its_own_stores_and_refuses_others(run, one_error, data_root, stores, first_stage, tmp_path):
    before = (stores / 'h36m_train/keypoints.npy').stat().st_mtime_ns
    arguments = ['--out', stores, *options(data_root)]
    run('extract_depth_sequences', INTEGRAL, first_stage / 'epoch_1.pth', *arguments)
    assert (stores / 'h36m_train/keypoints.npy').stat().st_mtime_ns == before
    run(
        'extract_depth_sequences',
        INTEGRAL,
        first_stage / 'epoch_1.pth',
        '--amp',
        '--out',
        tmp_path,
        *options(data_root),
    )
    half, full = (np.load(folder / 'h36m_test/keypoints.npy') for folder in (tmp_path, stores))
    assert 0 < np.abs(half - full)[..., :2].max() < 2 and np.abs(half - full)[..., 2].max() < 0.05
    other = shutil.copy(first_stage / 'epoch_1.pth', tmp_path / 'other.pth')
    assert 'exists' in one_error('extract_depth_sequences', INTEGRAL, other, *arguments)


def test_second_stage_trains_tests_and_resumes(run, data_root, first_stage, tmp_path):
    arguments = ['--work-dir', tmp_path]
    run('train', REFINER, *arguments, *refiner_options(data_root))
    outputs = ['--out', tmp_path / 'metrics.json', '--dump', tmp_path / 'predictions.pkl']
    printed = run('test', REFINER, tmp_path / 'epoch_2.pth', *arguments, *outputs, *refiner_options(data_root))
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert metrics['h36m/MPJPE_mm'] > 0 and f'{metrics["h36m/MPJPE_mm"]:.1f}' in printed
    assert (tmp_path / 'predictions.pkl').stat().st_size > 8 * 12 * 17 * 3 * 4
    resumed = run('train', REFINER, '--resume', *arguments, *refiner_options(data_root, epochs=3))
    assert 'Epoch(train) [3]' in resumed and 'Epoch(train) [2]' not in resumed
    assert 'resuming' not in resumed and 'correctness' not in resumed, 'nothing differs'


def test_training_without_data(one_error, tmp_path):
    message = one_error('train', INTEGRAL, '--work-dir', tmp_path / 'work', *integral_options(tmp_path / 'nowhere'))
    assert 'nowhere/annotation_body3d/fps50/h36m_train.npz' in message and 'tools/make_synthetic.py' in message
    assert not list(tmp_path.glob('**/*.pth')) and not (tmp_path / 'nowhere').exists()


def test_training_on_an_image_that_a_worker_cannot_read(one_error, data_root, tmp_path):
    root = shutil.copytree(data_root, tmp_path / 'root', ignore=shutil.ignore_patterns('depth_sequences'))
    for path in root.glob('images/S1/*/*_000001.jpg'):
        path.write_bytes(b'no image')
    workers = {'train_dataloader.num_workers': 1}
    message = one_error('train', INTEGRAL, '--work-dir', tmp_path / 'work', *integral_options(root, **workers))
    assert 'cannot read the image' in message and '_000001.jpg' in message


def test_testing_a_checkpoint_of_another_architecture(one_error, data_root, first_stage, tmp_path):
    arguments = [REFINER, first_stage / 'epoch_1.pth', '--work-dir', tmp_path]
    message = one_error('test', *arguments, *refiner_options(data_root))
    assert 'epoch_1.pth belongs to another model than the config' in message


def test_extraction_wants_one_kind_of_boxes(one_error, data_root, first_stage, tmp_path):
    changed = {'test_dataloader.dataset.bbox_policy': 'pelvis_2m'}
    arguments = [INTEGRAL, first_stage / 'epoch_1.pth', '--out', tmp_path]
    message = one_error('extract_depth_sequences', *arguments, *options(data_root, **changed))
    assert "trains and tests under different bounding boxes, ['annotation', 'pelvis_2m']" in message
