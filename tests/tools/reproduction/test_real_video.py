import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from reproduction.real_video import Clip
from scipy.spatial.transform import Rotation

CONFIG = 'configs/mocap/refiner_2d_27.py'


@pytest.fixture
def write_clip(tmp_path):
    """A function that writes 60 frames of one person before two cameras, whose estimator errs by a factor in depth."""

    def write(factor=1.0):
        rng = np.random.default_rng(0)
        still = rng.uniform(-0.7, 0.7, (33, 3))
        still[23:25] = [[0.1, 0, 0], [-0.1, 0, 0]]
        time = np.arange(60)[:, None, None] / 60
        points = np.stack([still + [x, -0.2, 4] + [0.3, 0.1, 0.2] * time for x in (-0.5, 0.4)])
        truth, _ = np.broadcast_arrays(points, points)
        middle = (truth[:, :, [23]] + truth[:, :, [24]]) / 2
        ray = middle / np.linalg.norm(middle, axis=-1, keepdims=True)
        seen = truth + (factor - 1) * ((truth - middle) * ray).sum(-1, keepdims=True) * ray
        lens, distortion = (
            np.array([[900.0, 0, 500], [0, 910, 480], [0, 0, 1]]),
            np.array([-0.1, 0.05, 1e-3, 2e-3, 0.0]),
        )
        pixels = cv2.projectPoints(truth.reshape(-1, 1, 3), np.zeros(3), np.zeros(3), lens, distortion)[0]
        # an estimator's axes: turned by the shortest way that brings the camera's axis to the ray, but for the roll
        to_ray = [
            [
                Rotation.align_vectors([[0, 0, 1], [0, 1, 0]], [r, [0, 1, 0]], weights=[1e9, 1])[0].as_matrix()
                for r in rays
            ]
            for rays in ray[:, :, 0]
        ]
        world = np.einsum('ctij,ctkj->ctki', to_ray, seen - middle)
        p = np.moveaxis(truth, 2, 0)
        joints = np.zeros((17, 2, 60, 3))
        for joint, of in enumerate(
            [(23, 24), (24,), (26,), (28,), (23,), (25,), (27,), *[()] * 4, (11,), (13,), (15,), (12,), (14,), (16,)]
        ):
            joints[joint] = np.mean([p[i] for i in of], axis=0) if of else 9.0  # not scored
        arrays = dict(K=np.stack([lens] * 2), distortion=np.stack([distortion] * 2), fps=60.0)
        arrays |= dict(
            joints_camera=np.moveaxis(joints, 0, 2), guess_world=world, guess_px=pixels.reshape(2, 60, 33, 2)
        )
        np.savez(tmp_path / 'clip.npz', **arrays)
        return tmp_path / 'clip.npz'

    return write


def test_an_estimator_that_is_right(write_clip):
    clip = Clip(write_clip(), 'guess')
    np.testing.assert_allclose(clip.errors(None, on_rays=False), 0, atol=0.5)  # the hips' middle is not quite its ray's
    near = clip.errors(None, on_rays=True)
    assert near[:, :2].max() < 10 and near[:, 2].max() < 1  # the filter holds the ends


def test_an_estimator_that_is_wrong_in_depth(write_clip):
    clip = Clip(write_clip(factor=1.2), 'guess')
    truth = clip.truth - clip.truth[:, :, :1]
    scored = truth[:, :, [0, 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]]
    ray = clip.truth[:, :, :1] / np.linalg.norm(clip.truth[:, :, :1], axis=-1, keepdims=True)
    expected = 0.2 * np.abs((scored * ray).sum(-1)).mean((1, 2)) * 1000
    errors = clip.errors(None, on_rays=False)
    np.testing.assert_allclose(errors[:, 0], expected, rtol=0.01)
    assert (errors[:, 1] < errors[:, 0]).all()


def test_table(write_clip, tmp_path, run_tool):
    path = write_clip()
    with np.load(path) as arrays:
        keys = {key.replace('guess', name): arrays[key] for key in arrays.files for name in ('heavy', 'full')}
    np.savez(path, **keys)
    model = MODELS.build(Config.fromfile(CONFIG).model)
    person = keys['joints_camera'][0, 0] - keys['joints_camera'][0, 0, :1]
    model.head.conv.weight.data.zero_()  # it always gives the same pose
    model.head.conv.bias.data[:] = torch.from_numpy(person.ravel())
    for seed in (0, 1):
        torch.save(
            dict(state_dict=model.state_dict(), meta=dict(dataset_meta=dict(frame_rate=50.0))), tmp_path / f'{seed}.pth'
        )
    ended = run_tool('real_video', path, f'2D={CONFIG}:{tmp_path}/*.pth')
    assert ended.status == 0
    rows = [line for line in ended.out.splitlines() if line.startswith('|')]
    assert len(rows) == 4 and rows[2].startswith('| the estimator | 0.0 / 0.0 / 0.0 |')
    assert rows[3].startswith('| 2D |') and rows[3].count('± 0.0') == 4
    ended = run_tool('real_video', path, f'2D={CONFIG}:{tmp_path}/no.pth')
    assert 'expected TITLE=CONFIG:CHECKPOINTS' in str(ended.status) + ended.err
