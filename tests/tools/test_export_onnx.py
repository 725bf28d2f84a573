import json
from pathlib import Path

import onnxruntime
import pytest
import torch
from mmengine.config import Config

from depth_refine.structures.skeleton import H36M, parse_metainfo


@pytest.fixture
def small(save, tmp_path):
    cfg = Config.fromfile(Path(__file__).parents[2] / 'configs' / 'refiner_27.py')
    cfg.model.backbone.update(channels=8, num_blocks=1)
    cfg.model.head.in_channels = 8
    return save(cfg, tmp_path / 'small')


def test_exports_and_compares_with_pytorch(run_tool, small, tmp_path, monkeypatch):
    *notes, written, first, second, third = run_tool(
        'export_onnx', *small, tmp_path / 'out' / 'small.onnx'
    ).out.splitlines()
    assert len(notes) == 2 and all(note.startswith('The checkpoint does not say ') for note in notes)
    assert written == f'wrote {tmp_path}/out/small.onnx'
    sizes = ['keypoints 1 x 9 x 51', 'keypoints 1 x 1008 x 51', 'keypoints 8 x 9 x 51']
    assert [line.split(':')[0] for line in (first, second, third)] == sizes
    for line in (first, second, third):
        assert float(line.split('largest difference ')[1].split(',')[0]) < 1e-5
        assert 'PyTorch' in line and 'ONNX Runtime' in line and line.count(' ms') == 2
    session = onnxruntime.InferenceSession(tmp_path / 'out' / 'small.onnx', providers=['CPUExecutionProvider'])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata['config'] == 'small.py' and json.loads(metadata['notes']) == notes
    run = onnxruntime.InferenceSession.run

    def off(*args):
        (poses,) = run(*args)
        poses[-1, 0, 16, 2] -= 0.25
        return [poses]

    monkeypatch.setattr(onnxruntime.InferenceSession, 'run', off)
    out = run_tool('export_onnx', *small, tmp_path / 'small.onnx').out
    assert out.count('largest difference 2.5e-01,') == 3, 'the difference is the one of the file'


def test_the_file_has_the_metadata_of_the_checkpoint(run_tool, small, tmp_path):
    camera = dict(f=[0.8, 0.8], c=[0.5, 0.3], k=[0.1, 0.0, 0.0], p=[0.0, 0.0], aspect=0.5625)
    of_training = dict(root_index=0, frame_rate=12.5, cameras=[camera])
    checkpoint = torch.load(small[1], weights_only=True)
    checkpoint['meta'] = dict(
        dataset_meta=parse_metainfo(dict(from_file='configs/_base_/datasets/h36m.py')) | of_training
    )
    torch.save(checkpoint, small[1])
    assert run_tool('export_onnx', *small, tmp_path / 'small.onnx').out.startswith('wrote ')
    session = onnxruntime.InferenceSession(tmp_path / 'small.onnx', providers=['CPUExecutionProvider'])
    metadata = session.get_modelmeta().custom_metadata_map
    assert {key: json.loads(metadata[key]) for key in of_training} == of_training
    assert json.loads(metadata['notes']) == [] and json.loads(metadata['joint_names']) == list(H36M.joint_names)


def test_a_missing_checkpoint_ends_before_anything_is_written(run_tool, small, tmp_path):
    status, _, _ = run_tool('export_onnx', small[0], tmp_path / 'none.pth', tmp_path / 'out' / 'small.onnx')
    assert status.startswith(f'error: no checkpoint {tmp_path}/none.pth: expected the weights of {small[0]}')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('there.onnx', 'there.onnx exists: give another name, or remove it first'),
        ('small.txt', 'small.txt: expected the name of an ONNX file, which ends in .onnx'),
    ],
)
def test_existing_outputs_and_other_names_are_refused(run_tool, tmp_path, name, message):
    (tmp_path / 'there.onnx').write_text('mine')
    status, out, _ = run_tool('export_onnx', 'none.py', 'none.pth', tmp_path / name)
    assert (status, out) == (f'error: {tmp_path}/{message}', '')
    assert [path.read_text() for path in tmp_path.iterdir()] == ['mine']


def test_the_file_of_a_first_stage_names_its_box_policy(run_tool, stages, tmp_path):
    policy = 'test_dataloader.dataset.bbox_policy=pelvis_2m'
    out = run_tool('export_onnx', *stages[:2], tmp_path / 'first.onnx', '--cfg-options', policy).out
    assert out.startswith('wrote ') and out.count('largest difference') == 2
    session = onnxruntime.InferenceSession(tmp_path / 'first.onnx', providers=['CPUExecutionProvider'])
    assert session.get_modelmeta().custom_metadata_map['bbox_policy'] == 'pelvis_2m'
