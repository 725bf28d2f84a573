import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

from depth_refine.datasets import H36MAnnotation, write_sequence_store

ROOT = Path(__file__).parents[2]
SOURCE = '--source=videopose3d', '--joint-order=h36m'
TEST_ANNOTATION = 'annotation_body3d/fps50/h36m_test.npz'


def write_videopose3d(path, channels, kernel_size):
    """A network whose output is always ``shrink.bias``, the pose of 1 mm, 2 mm, ... 51 mm."""
    state = {'expand_conv.weight': torch.randn(channels, 34, kernel_size)}
    state |= {f'layers_conv.{i}.weight': torch.randn(channels, channels, k) for i, k in enumerate((kernel_size, 1))}
    for norm in ('expand_bn', 'layers_bn.0', 'layers_bn.1'):
        state |= {f'{norm}.{name}': torch.ones(channels) for name in ('weight', 'bias', 'running_mean', 'running_var')}
    state |= {'shrink.weight': torch.zeros(51, channels, 1), 'shrink.bias': torch.arange(1, 52) / 1000}
    torch.save(dict(model_pos=state, model_traj=dict(state)), path)


def test_the_printed_command_evaluates_the_checkpoint(run_tool, data_root, monkeypatch, tmp_path):
    write_videopose3d(tmp_path / 'a.bin', channels=24, kernel_size=3)
    monkeypatch.chdir(ROOT)  # where the printed command runs
    ended = run_tool('convert_checkpoint', tmp_path / 'a.bin', tmp_path / 'a.pth', *SOURCE)
    lines = ended.out.splitlines()
    assert ended.status == 0
    assert lines[:3] == [
        'left out, since the refiner has no such part: model_traj',
        f'wrote {tmp_path}/a.pth: receptive field 9 frames, 24 channels',
        "assumed: trained on Human3.6M's joints and cameras, at 50 frames a second, on frames before and after",
    ]
    python, tool, *arguments = shlex.split(lines[3].removeprefix('evaluate it with: '))
    annotation = H36MAnnotation(data_root / TEST_ANNOTATION, data_root / 'annotation_body3d/cameras.pkl')
    keypoints = np.insert(annotation.keypoints, 2, np.nan, axis=-1)
    with write_sequence_store(tmp_path / 'store', annotation, 'published', {}, has_depth=False) as writer:
        writer.write(np.arange(len(annotation)), keypoints, np.ones((len(annotation), 17)))
    arguments += [f'test_dataloader.dataset.data_root={data_root}', 'model.test_cfg.flip_test=False']
    arguments += [f'test_dataloader.dataset.depth_store={tmp_path}/store', 'test_dataloader.num_workers=0']
    arguments += ['--work-dir', tmp_path / 'work']
    status, _, _ = run_tool(Path(tool).stem, *arguments, '--out', tmp_path / 'out.json')
    assert (status, python, tool) == (0, 'python', 'tools/test.py')
    answer = np.arange(1, 52).reshape(17, 3) / 1000
    truth = annotation.keypoints_3d - annotation.keypoints_3d[:, :1]
    expected = 1000 * np.linalg.norm(answer - answer[0] - truth, axis=-1).mean()
    metrics = json.loads((tmp_path / 'out.json').read_text())
    assert metrics['h36m/MPJPE_frames_mm'] == pytest.approx(expected, rel=1e-5)


def test_causal(run_tool, tmp_path):
    write_videopose3d(tmp_path / 'a.bin', channels=1024, kernel_size=5)
    source = (tmp_path / 'a.bin', tmp_path / 'a.pth', *SOURCE, '--causal', '--fps=10')
    assert run_tool('convert_checkpoint', *source).out.splitlines()[-2:] == [
        "assumed: trained on Human3.6M's joints and cameras, at 10 frames a second, on frames up to the present one",
        f'evaluate it with: python tools/test.py configs/refiner_243_cpn.py {tmp_path}/a.pth --cfg-options '
        'model.backbone.kernel_size=5 model.backbone.num_blocks=1 model.backbone.causal=True '
        'train_dataloader.dataset.seq_len=25 train_dataloader.dataset.causal=True '
        'val_dataloader.dataset.seq_len=25 val_dataloader.dataset.causal=True '
        'test_dataloader.dataset.seq_len=25 test_dataloader.dataset.causal=True',
    ]


def test_an_existing_output_is_refused(run_tool, tmp_path):
    (tmp_path / 'a.pth').write_text('mine')
    status, out, _ = run_tool('convert_checkpoint', tmp_path / 'none.bin', tmp_path / 'a.pth', *SOURCE)
    assert (status, out) == (f'error: {tmp_path}/a.pth exists: give another name, or remove it first', '')
    assert (tmp_path / 'a.pth').read_text() == 'mine'
