import numpy as np
import pytest
from skeletons import MPI_INF_3DHP, standing_pose

from depth_refine.functional.camera import project
from depth_refine.inference.finishing import Finishing, mend_sides
from depth_refine.structures.camera import make_camera
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.structures.video_poses import VideoPoses
from depth_refine.utils.errors import InputError

CAMERA, _ = make_camera((640, 480), Intrinsics((500, 510, 300, 250), ('h36m', -0.2, 0.2, 0, 1e-3, 1e-3)))
MPI = Skeleton.from_metainfo(MPI_INF_3DHP, 14)


def walk(skeleton, frames=60, rate=30):
    """True joints (T, K, 3) of a stiff person who sways in front of the camera, and noisy refined ones."""
    times, pose = np.arange(frames) / rate, standing_pose(skeleton)
    turn = 0.5 * np.sin(2 * np.pi * 0.4 * times)
    c, s, zero = np.cos(turn), np.sin(turn), np.zeros(frames)
    rotations = np.stack([c, zero, s, zero, zero + 1, zero, -s, zero, c], axis=-1).reshape(-1, 3, 3)
    root = np.stack([0.3 * np.sin(times), 0.1 * times, 4 + 0.2 * times], axis=-1)
    joints = np.einsum('tij,kj->tki', rotations, pose - pose[skeleton.root]) + root[:, None]
    noise = np.random.default_rng(0).normal(0, [0.06, 0.06, 0.02], joints.shape)
    noise[:, skeleton.root] = 0
    scores = np.ones((frames, skeleton.num_joints, 2))
    measurements = np.concatenate([project(joints, CAMERA), joints[..., 2:] - root[:, None, 2:], scores], axis=-1)
    return times, joints, root, joints - root[:, None] + noise, measurements


@pytest.mark.parametrize('skeleton', [H36M, MPI], ids=['h36m', 'mpi'])
def test_poses_come_nearer_and_bones_stay(skeleton):
    times, joints, root, refined, measurements = walk(skeleton)
    truth = joints - root[:, None]

    def error(poses):
        return np.linalg.norm(poses - truth, axis=-1).mean()

    poses, path = Finishing().poses(refined, root, measurements, times, CAMERA, skeleton)
    assert error(poses) < 0.3 * error(refined)
    lengths = skeleton.bone_lengths(poses)
    assert (lengths.std(axis=0) / lengths.mean(axis=0)).max() < 0.03
    assert np.abs(poses[:, skeleton.root]).max() < 1e-6 and np.abs(path - root).max() < 0.03
    sharp, _ = Finishing(cutoff=None).poses(refined, root, measurements, times, CAMERA, skeleton)
    assert np.abs(np.diff(sharp, 2, axis=0)).mean() > 2 * np.abs(np.diff(poses, 2, axis=0)).mean()
    unplaced, nowhere = Finishing().poses(refined, None, measurements, times, CAMERA, skeleton)
    assert nowhere is None and error(unplaced) < error(refined)


def test_a_stature_scales_the_person_and_the_distance():
    times, _, root, refined, measurements = walk(H36M)
    plain, path = Finishing(cutoff=None).poses(refined, root, measurements, times, CAMERA, H36M)
    tall, farther = Finishing(cutoff=None, stature=2.2).poses(refined, root, measurements, times, CAMERA, H36M)
    factor = np.linalg.norm(tall) / np.linalg.norm(plain)
    assert factor > 1.1
    np.testing.assert_allclose(tall, factor * plain, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(farther, factor * path, rtol=1e-3)


def test_one_frame():
    times, _, root, refined, measurements = walk(H36M, 1)
    poses, _ = Finishing(level=True).poses(refined, root, measurements, times, CAMERA, H36M)
    assert poses.shape == (1, 17, 3) and np.isfinite(poses).all()


def test_an_unknown_floor_is_noted():
    result = VideoPoses('a', H36M, (640, 480), np.arange(3) / 30, dict(CAMERA))
    Finishing(level=True).video(result)
    assert result.notes == ['The floor is not known: nobody rests a foot for 0.1 s or more.']
    assert 'R' not in result.camera
    result.camera['R'] = np.eye(3)
    Finishing(level=True).video(result)
    assert len(result.notes) == 1


@pytest.mark.parametrize(
    ('cutoff', 'fps', 'end'),
    [
        (6, 50, 'smoothed at 6 Hz.'),
        (100, 60, 'smoothed at 100 Hz (above half the frame rate, 30 Hz, which smooths little).'),
    ],
)
def test_a_cut_off_above_half_the_frame_rate_is_noted(cutoff, fps, end):
    assert Finishing(cutoff).note(fps).endswith(f'bones get one length, motion is {end}')


@pytest.mark.parametrize('options', [dict(cutoff=0), dict(cutoff=-6), dict(stature=180), dict(stature=0.1)])
def test_options_out_of_range(options):
    with pytest.raises(InputError, match=r'stature \(--height\), metres|smoothing \(--smooth\), Hz'):
        Finishing(**options)


def test_sides_are_mended():
    measurements = walk(H36M)[-1]
    bboxes = np.tile([100.0, 50, 400, 450], (60, 1))
    wrong = measurements.copy()
    wrong[20:27] = wrong[20:27][:, list(H36M.flip_indices)]
    mended, count = mend_sides(wrong, bboxes, H36M)
    assert count == 7
    np.testing.assert_array_equal(mended, measurements)
    assert mend_sides(measurements, bboxes, H36M)[1] == 0
