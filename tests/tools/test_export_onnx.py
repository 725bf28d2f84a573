from pathlib import Path

import onnxruntime
import pytest
from mmengine.config import Config


@pytest.fixture
def small(save, tmp_path):
    cfg = Config.fromfile(Path(__file__).parents[2] / 'configs' / 'refiner_27.py')
    cfg.model.backbone.update(channels=8, num_blocks=1)
    cfg.model.head.in_channels = 8
    return save(cfg, tmp_path / 'small')


def test_exports_and_says_how_near_and_how_fast(run_tool, small, tmp_path, monkeypatch):
    lines = run_tool('export_onnx', *small, tmp_path / 'out' / 'small.onnx').out.splitlines()
    assert lines[0] == f'wrote {tmp_path}/out/small.onnx'
    sizes = ['keypoints 1 x 9 x 51', 'keypoints 1 x 1008 x 51', 'keypoints 8 x 9 x 51']
    assert [line.split(':')[0] for line in lines[1:]] == sizes
    for line in lines[1:]:
        assert float(line.split('largest difference ')[1].split(',')[0]) < 1e-5
        assert 'PyTorch' in line and 'ONNX Runtime' in line and line.count(' ms') == 2
    session = onnxruntime.InferenceSession(tmp_path / 'out' / 'small.onnx', providers=['CPUExecutionProvider'])
    assert session.get_modelmeta().custom_metadata_map['config'] == 'small.py'
    run = onnxruntime.InferenceSession.run

    def off(*args):
        (poses,) = run(*args)
        poses[-1, 0, 16, 2] -= 0.25
        return [poses]

    monkeypatch.setattr(onnxruntime.InferenceSession, 'run', off)
    out = run_tool('export_onnx', *small, tmp_path / 'small.onnx').out
    assert out.count('largest difference 2.5e-01,') == 3, 'the difference is the one of the file'


def test_a_missing_checkpoint_ends_before_anything_is_written(run_tool, small, tmp_path):
    status, _, _ = run_tool('export_onnx', small[0], tmp_path / 'none.pth', tmp_path / 'out' / 'small.onnx')
    assert status.startswith(f'error: no checkpoint {tmp_path}/none.pth: expected the weights of {small[0]}')
    assert not (tmp_path / 'out').exists()
