from pathlib import Path

import onnxruntime
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """A small refiner."""
    path = tmp_path_factory.mktemp('config') / 'small.py'
    path.write_text(
        f"_base_ = ['{ROOT}/configs/refiner_27.py']\n"
        'model = dict(backbone=dict(channels=8, num_blocks=1), head=dict(in_channels=8))\n'
    )
    return path


def test_exports_and_says_how_near_and_how_fast(run_tool, config, tmp_path):
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(config).model).state_dict()), tmp_path / 'small.pth')
    ended = run_tool('export_onnx', config, tmp_path / 'small.pth', tmp_path / 'out' / 'small.onnx')
    lines = ended.out.splitlines()
    assert lines[0] == f'wrote {tmp_path}/out/small.onnx'
    sizes = ['keypoints 1 x 9 x 51', 'keypoints 1 x 1008 x 51', 'keypoints 8 x 9 x 51']
    assert [line.split(':')[0] for line in lines[1:]] == sizes
    for line in lines[1:]:
        assert float(line.split('largest difference ')[1].split(',')[0]) < 1e-5
        assert 'PyTorch' in line and 'ONNX Runtime' in line and line.count(' ms') == 2
    session = onnxruntime.InferenceSession(tmp_path / 'out' / 'small.onnx', providers=['CPUExecutionProvider'])
    assert session.get_modelmeta().custom_metadata_map['config'] == 'small.py'


def test_the_difference_is_the_files(run_tool, config, tmp_path, monkeypatch):
    """A file that is off by 0.25 in one number of one output is said to be."""
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(config).model).state_dict()), tmp_path / 'small.pth')
    run = onnxruntime.InferenceSession.run

    def off(*args):
        (poses,) = run(*args)
        poses[-1, 0, 16, 2] -= 0.25
        return [poses]

    monkeypatch.setattr(onnxruntime.InferenceSession, 'run', off)
    ended = run_tool('export_onnx', config, tmp_path / 'small.pth', tmp_path / 'small.onnx')
    assert ended.out.count('largest difference 2.5e-01,') == 3


def test_a_missing_checkpoint_ends_before_anything_is_written(run_tool, config, tmp_path):
    status, _, _ = run_tool('export_onnx', config, tmp_path / 'none.pth', tmp_path / 'small.onnx')
    assert status.startswith(f'error: no checkpoint {tmp_path}/none.pth: expected the weights of {config}')
    assert list(tmp_path.iterdir()) == []
