"""Numbers and devices that make no sense, in every tool: one line, and nothing is written."""

import numpy as np
import pytest
import torch
from official_h36m import OfficialTake, make_official_cameras, write_official_h36m

DEVICE = 'error: device {!r}: expected one that PyTorch finds on this machine, of cpu'
VIDEO = ('infer_video', 'v.mp4', '--out', 'out')
PREDICTED = ('infer_video', '--predictions', 'p.npz', '--joint-order', 'h36m', '--device', 'cpu', '--out', 'out')


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """With an empty video, predictions of 12 frames, a small Human3.6M as its owners give it, and no GPU."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.accelerator, 'is_available', lambda: False)
    keypoints = np.random.default_rng(0).uniform(100, 300, (12, 17, 2))
    (tmp_path / 'v.mp4').touch()
    np.savez('p.npz', frames=np.arange(12), keypoints=keypoints)
    takes = [OfficialTake('S6', 'Walking', np.random.default_rng(0).uniform(-0.5, 0.5, (2, 17, 3)))]
    write_official_h36m(tmp_path / 'raw', takes, make_official_cameras())
    return tmp_path


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        *(((*VIDEO, '--device', name), DEVICE.format(name)) for name in ('gpu', 'cuda', 'cuda:7', 'meta', '')),
        ((*VIDEO, '--batch-size', '0'), 'error: batch_size: expected a whole number of at least 1, got 0'),
        ((*VIDEO, '--batch-size', '-5'), 'error: batch_size: expected a whole number of at least 1, got -5'),
        ((*VIDEO, '--smooth', '-1'), 'error: the cut-off of the smoothing (--smooth), Hz: expected a number from 0.1'),
        ((*VIDEO, '--height', '180'), 'error: the stature (--height), metres: expected a number from 0.5 to 2.6, got'),
        ((*VIDEO, '--height', '0'), 'error: the stature (--height), metres: expected a number from 0.5 to 2.6, got 0'),
        ((*PREDICTED, '--size', '0', '0'), 'error: size of the frames, px: expected a whole number from 2 to 100000, '),
        *(
            ((*PREDICTED, '--size', '640', '480', '--fps', rate), 'error: fps: expected a number from 0.01 to 100000, ')
            for rate in ('0', '-5', '1e9', 'nan')
        ),
        (('make_synthetic', 'out', '--workers', '0'), 'error: workers: expected a whole number of at least 1, got 0'),
        (('make_synthetic', 'out', '--seed', '-1'), 'error: seed: expected a whole number of at least 0, got -1'),
        (('check_data', 'raw', '--seed', '-1'), 'error: seed: expected a whole number of at least 0, got -1'),
        (('prepare_h36m', 'raw', 'out', '--workers', '0'), 'error: workers: expected a whole number of at least 1'),
    ],
)
def test_one_line_and_nothing_written(arguments, message, folder, run_tool):
    ended = run_tool(*arguments)
    assert ended.status.startswith(message) and '\n' not in ended.status
    assert sorted(path.name for path in folder.iterdir()) == ['p.npz', 'raw', 'v.mp4']


def test_configs_and_what_they_name(stages, run_tool, tmp_path):
    first, checkpoint, second, _ = stages
    extract = ('extract_depth_sequences', first, checkpoint, '--out', tmp_path / 'out')
    status = run_tool(*extract, '--device', 'cuda:7').status
    assert status.startswith(DEVICE.format('cuda:7'))
    status = run_tool(*extract, '--device', 'cpu', '--cfg-options', 'test_dataloader.batch_size=0').status
    assert status == 'error: test_dataloader.batch_size: expected a whole number of at least 1, got 0'
    for option, least, value in [
        ('train_dataloader.batch_size', 1, -5),
        ('train_dataloader.num_workers', 0, -1),
        ('train_cfg.max_epochs', 1, 0),
        ('train_cfg.val_interval', 1, 0),
    ]:
        status = run_tool('train', second, '--work-dir', tmp_path / 'out', '--cfg-options', f'{option}={value}').status
        assert status == f'error: {option}: expected a whole number of at least {least}, got {value}'
    assert not (tmp_path / 'out').exists()
