"""The tools as a user runs them, tiny: train, test, extract, train, test; then each kind of bad input."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
DEMO = ROOT / 'configs/demo'
ANNOTATIONS = 'annotation_body3d/fps50/h36m_{}.npz'


def options(data_root, **extra):
    workers = {f'{split}_dataloader.{key}': 0 for split in ('train', 'val', 'test') for key in ('num_workers',)}
    workers |= {f'{split}_dataloader.persistent_workers': False for split in ('train', 'val', 'test')}
    return ['--cfg-options', *(f'{key}={value}' for key, value in {'data_root': data_root, **workers, **extra}.items())]


def integral_options(data_root):
    small = {'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1, 'train_dataloader.batch_size': 8}
    return options(data_root, **small, **{'default_hooks.logger.interval': 1})


def refiner_options(data_root, epochs=2, **extra):
    fields = {f'{split}_dataloader.dataset.seq_len': 9 for split in ('train', 'val', 'test')}
    small = {'model.backbone.num_blocks': 1, 'train_cfg.max_epochs': epochs, 'train_cfg.val_interval': 1}
    return options(data_root, **fields, **small, **{'default_hooks.logger.interval': 1}, **extra)


@pytest.fixture(scope='module')
def data_root(data_root, tmp_path_factory):
    """A copy of the synthetic data root, which gets stores; files are links."""
    return shutil.copytree(data_root, tmp_path_factory.mktemp('data') / 'h36m', copy_function=os.link)


@pytest.fixture(scope='module')
def run(run_tool):
    """Run a tool and return what it printed."""

    def run(tool, *arguments):
        ended = run_tool(tool, *arguments)
        assert ended.status == 0, ended
        return ended.out

    return run


@pytest.fixture(scope='module')
def one_error(run_tool):
    """Run a tool and return the one message with which it exits."""

    def run(tool, *arguments):
        status, _, _ = run_tool(tool, *arguments)
        assert status.startswith('error: ')
        return status

    return run


@pytest.fixture(scope='module')
def train(one_error):
    """Train in vain and return the message."""
    return lambda config, work_dir, *arguments: one_error(
        'train', DEMO / f'{config}.py', '--work-dir', work_dir, *arguments
    )


@pytest.fixture(scope='module')
def first_stage(run, data_root, tmp_path_factory):
    """A trained and tested first stage, and the stores it makes; work directory."""
    work_dir = tmp_path_factory.mktemp('integral')
    config = DEMO / 'integral.py'
    command = [sys.executable, ROOT / 'tools/train.py', config, '--work-dir', work_dir, *integral_options(data_root)]
    subprocess.run(list(map(str, command)), check=True)  # one tool as users run it, in a process of its own
    checkpoint = work_dir / 'epoch_1.pth'
    run(
        *('test', config, checkpoint, '--work-dir', work_dir, '--out', work_dir / 'metrics.json'),
        *('--show-dir', 'pictures', '--interval', 40, *integral_options(data_root)),
    )
    stores = data_root / 'depth_sequences/integral'
    run('extract_depth_sequences', config, checkpoint, '--out', stores, *options(data_root))
    return work_dir


@pytest.fixture(scope='module')
def second_stage(run, data_root, first_stage, tmp_path_factory):
    """A trained refiner's work directory."""
    work_dir = tmp_path_factory.mktemp('refiner')
    run('train', DEMO / 'refiner.py', '--work-dir', work_dir, *refiner_options(data_root))
    return work_dir


def test_first_stage(first_stage):
    metrics = json.loads((first_stage / 'metrics.json').read_text())
    assert 10 < metrics['h36m/P-MPJPE_mm'] <= metrics['h36m/N-MPJPE_mm'] * 1.01 < 2000
    assert metrics['h36m/MPJPE_mm'] >= metrics['h36m/P-MPJPE_mm']
    assert list(first_stage.glob('*/pictures/*.png'))


def test_stores(data_root, first_stage):
    for split in ('train', 'test'):
        store = data_root / f'depth_sequences/integral/h36m_{split}'
        keypoints = np.load(store / 'keypoints.npy')
        part = np.load(data_root / ANNOTATIONS.format(split))['part'][..., :2]
        assert keypoints.shape == (len(part), 17, 3) and np.isfinite(keypoints).all()
        # an untrained network says the middle of the box, which is the person's
        assert np.abs(keypoints[..., :2] - part).max() < 64 and np.abs(keypoints[..., 2]).max() < 0.75
        meta = json.loads((store / 'store.json').read_text())
        assert meta['checkpoint']['file'] == 'epoch_1.pth' and meta['config'] == 'integral.py'
        assert (meta['bbox_policy'], meta['image_size'], meta['flip_test']) == ('annotation', [64, 64], False)


def test_extraction_keeps_its_own_stores_and_refuses_others(run, one_error, data_root, first_stage, tmp_path):
    config, stores = DEMO / 'integral.py', data_root / 'depth_sequences/integral'
    before = (stores / 'h36m_train/keypoints.npy').stat().st_mtime_ns
    run('extract_depth_sequences', config, first_stage / 'epoch_1.pth', '--out', stores, *options(data_root))
    assert (stores / 'h36m_train/keypoints.npy').stat().st_mtime_ns == before
    other = shutil.copy(first_stage / 'epoch_1.pth', tmp_path / 'other.pth')
    assert 'exists' in one_error('extract_depth_sequences', config, other, '--out', stores, *options(data_root))


def test_extraction_wants_one_kind_of_boxes(one_error, data_root, first_stage, tmp_path):
    changed = dict({'test_dataloader.dataset.bbox_policy': 'pelvis_2m'})
    arguments = [DEMO / 'integral.py', first_stage / 'epoch_1.pth', '--out', tmp_path]
    message = one_error('extract_depth_sequences', *arguments, *options(data_root, **changed))
    assert "trains and tests under different bounding boxes, ['annotation', 'pelvis_2m']" in message


def test_second_stage_trains_tests_and_resumes(run, data_root, first_stage, second_stage):
    arguments = [DEMO / 'refiner.py', second_stage / 'epoch_2.pth', '--work-dir', second_stage]
    outputs = ['--out', second_stage / 'metrics.json', '--dump', second_stage / 'predictions.pkl']
    printed = run('test', *arguments, *outputs, *refiner_options(data_root))
    metrics = json.loads((second_stage / 'metrics.json').read_text())
    assert metrics['h36m/MPJPE_mm'] > 0 and f'{metrics["h36m/MPJPE_mm"]:.1f}' in printed
    assert (second_stage / 'predictions.pkl').stat().st_size > 8 * 12 * 17 * 3 * 4
    resumed = run(
        *('train', DEMO / 'refiner.py', '--resume', '--work-dir', second_stage),
        *refiner_options(data_root, epochs=3),
    )
    assert 'Epoch(train) [3]' in resumed and 'Epoch(train) [2]' not in resumed


def changed_annotation(data_root, tmp_path, **changes):
    """A data root whose training annotation has other arrays; None removes one."""
    root = tmp_path / 'root'
    shutil.copytree(data_root, root, ignore=shutil.ignore_patterns('depth_sequences'))
    path = root / ANNOTATIONS.format('train')
    arrays = {**np.load(path), **changes}
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return root


def test_missing_data_root(train, tmp_path):
    message = train('integral', tmp_path / 'work', *integral_options(tmp_path / 'nowhere'))
    assert 'nowhere/annotation_body3d/fps50/h36m_train.npz' in message and 'tools/make_synthetic.py' in message
    assert not list(tmp_path.glob('**/*.pth')) and not (tmp_path / 'nowhere').exists()


def test_annotation_without_a_key(train, data_root, tmp_path):
    root = changed_annotation(data_root, tmp_path, S=None)
    message = train('integral', tmp_path / 'work', *integral_options(root))
    assert f"{root}/{ANNOTATIONS.format('train')} lacks the key 'S': expected [" in message


def test_nan_in_an_annotation(train, data_root, tmp_path):
    part = np.load(data_root / ANNOTATIONS.format('train'))['part']
    part[5] = np.nan
    root = changed_annotation(data_root, tmp_path, part=part)
    message = train('integral', tmp_path / 'work', *integral_options(root))
    assert "h36m_train.npz: 'part' is not finite in 1 of 96 rows, first in row 5" in message


def test_image_that_cannot_be_read(train, data_root, tmp_path):
    root = changed_annotation(data_root, tmp_path)
    for path in root.glob('images/S1/*/*_000001.jpg'):
        path.write_bytes(b'no image')
    workers = {'train_dataloader.num_workers': 1}
    message = train('integral', tmp_path / 'work', *integral_options(root), *(f'{k}={v}' for k, v in workers.items()))
    assert 'cannot read the image' in message and '_000001.jpg' in message


def test_receptive_field_longer_than_any_video(train, data_root, first_stage, tmp_path):
    message = train('refiner', tmp_path / 'work', *options(data_root))
    assert 'the receptive field, 27 frames, is longer than any video of' in message and 'at most 12 frames' in message


def test_store_of_another_annotation(train, data_root, first_stage, tmp_path):
    wrong = {'train_dataloader.dataset.depth_store': 'depth_sequences/integral/h36m_test'}
    message = train('refiner', tmp_path / 'work', *refiner_options(data_root, **wrong))
    assert 'belongs to another annotation: it was made for sha256' in message and 'h36m_train.npz has' in message


def test_checkpoint_of_another_architecture(one_error, data_root, first_stage, tmp_path):
    arguments = [DEMO / 'refiner.py', first_stage / 'epoch_1.pth', '--work-dir', tmp_path]
    message = one_error('test', *arguments, *refiner_options(data_root))
    assert 'epoch_1.pth belongs to another model than the config' in message
