from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from reference_errors import reference_errors
from reproduction.motion.real_video import errors_of_poses, scenes_of_clip, truth_of_poses
from reproduction.motion.scenes import SCORED, errors

from depth_refine.export import write_npz
from depth_refine.functional.pose_error import similarity_align
from depth_refine.structures import H36M, PoseTrack, VideoPoses
from depth_refine.utils.errors import InputError

CONFIG = 'configs/mocap/refiner_2d_27.py'


def test_an_estimator_that_is_right(write_clip):
    scenes = list(scenes_of_clip(write_clip(), 'heavy'))
    assert len(scenes) == 2
    for scene in scenes:  # depths in the camera's axes, pixels without distortion
        truth = scene.truth - scene.truth[:, :1]
        np.testing.assert_allclose(scene.seen.measurements[:, SCORED, 2], truth[:, SCORED, 2], atol=1e-4)
        f, c = (np.ravel(scene.camera[key]) for key in 'fc')
        flat = scene.truth[..., :2] / scene.truth[..., 2:] * f + c
        np.testing.assert_allclose(scene.seen.measurements[:, SCORED[1:], :2], flat[:, SCORED[1:]], atol=0.1)
        # its own poses stay in axes of the ray, as it gives them
        aligned = similarity_align(scene.given[:, SCORED], truth[:, SCORED])
        np.testing.assert_allclose(aligned, truth[:, SCORED], atol=1e-4)
    assert errors(scenes, None, finish=False)[:, 1].max() < 0.1


def test_an_estimator_that_is_wrong_in_depth(write_clip):
    (wrong, _), (right, _) = (list(scenes_of_clip(write_clip(f), 'full')) for f in (1.2, 1.0))
    truth = right.truth - right.truth[:, :1]
    np.testing.assert_allclose(
        np.linalg.norm(wrong.given - right.given, axis=-1)[:, SCORED].mean(),
        0.2 * np.abs(right.given[..., 2])[:, SCORED].mean(),
        rtol=1e-3,
    )
    # scored against an independent computation
    moved = np.linalg.norm((wrong.given - truth)[:, SCORED], axis=-1).mean() * 1000
    assert errors([wrong], None, finish=False)[0, 0] == pytest.approx(moved)
    steps = np.diff((wrong.given - truth)[:, SCORED[1:]], n=2, axis=0)
    expected = np.linalg.norm(steps, axis=-1).mean() * 60**2
    assert errors([wrong], None, finish=False)[0, 2] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(heavy_px=None), r"clip\.npz: the keys \['heavy_px'\] are missing; see docs/data_files\.md"),
        (dict(distortion=np.zeros((2, 4))), r'expected distortion of shape \(2, 5\), got \(2, 4\)'),
        (dict(joints_camera=np.zeros((60, 17, 3))), r'joints_camera of shape \(60, 17, 17, 3\), got \(60, 17'),
        (dict(joints_camera=np.full((2, 60, 17, 3), 900.0)), 'joints_camera reaches 900, .*; looks like millimetres'),
        (dict(heavy_world=np.full((2, 60, 33, 3), 90.0)), 'heavy_world reaches 90, .*; looks like millimetres'),
        (b'PK', r'clip\.npz: expected an npz file of a clip, got BadZipFile'),
        (None, r'no file .*clip\.npz: expected an npz file of a clip, see docs/data_files\.md'),
    ],
)
def test_other_files(write_clip, changes, message):
    path = write_clip(**(changes if isinstance(changes, dict) else {}))
    if isinstance(changes, bytes):
        path.write_bytes(changes)
    elif changes is None:
        path.unlink()
    with pytest.raises(InputError, match=message):
        next(scenes_of_clip(path, 'heavy'))


@pytest.fixture
def write_poses(tmp_path):
    """A function that writes the poses (T, 17, 3) of a camera of a clip as a video's, with depths or without."""

    def write(clip, camera, poses, first=None, skeleton=H36M, fps=60, size=(1000, 960)):
        count, data = len(poses), np.load(clip)
        truth, *lens = (data[key][camera - 1] for key in ('joints_camera', 'K', 'distortion'))
        pixels = cv2.projectPoints(truth[:count].reshape(-1, 3), np.zeros(3), np.zeros(3), *lens)[0]
        keypoints = pixels.reshape(count, 17, 2) + [4, -3]
        constant = np.zeros((count, 4)), np.ones((count, 17)), keypoints, None, None
        track = PoseTrack(5, np.arange(count), *constant, first, poses, np.zeros(count, bool))
        path = tmp_path / f'{camera}.npz'
        write_npz(VideoPoses('a.mp4', skeleton, size, np.arange(60) / fps, tracks=[track]), path)
        return path

    return write


def test_poses(write_clip, write_poses, run_tool):
    clip = write_clip(heavy_world=None, heavy_px=None)
    truth = np.load(clip)['joints_camera']
    rng, poses = np.random.default_rng(0), truth - truth[:, :, :1]
    poses[0], turned = poses[0] + rng.normal(0, 0.05, poses[0].shape), 1.1 * poses[1][..., [1, 2, 0]]
    files = {2: write_poses(clip, 2, poses[1], turned), 1: write_poses(clip, 1, poses[0])}
    np.testing.assert_array_equal(truth_of_poses(clip, 2, files[2]), truth[1])
    errors = errors_of_poses(clip, files)
    assert list(errors) == ['BlazePose full, its own landmarks', 'first stage', 'poses']
    expected = reference_errors({'S9_a.1': (truth[0], poses[0])}, SCORED)
    mpjpe, aligned, step = (expected[f'h36m/{key}'] for key in ('MPJPE_mm', 'P-MPJPE_mm', 'MPJAE_mm_per_frame2'))
    acceleration = step * 13 / 12 * 60**2 / 1000  # without the root
    np.testing.assert_allclose(errors['poses'], [[0, 0, 0], [mpjpe, aligned, acceleration]], rtol=1e-5, atol=1e-3)
    assert np.isnan(errors['first stage'][1]).all()
    assert errors['first stage'][0, 0] > 100 and errors['first stage'][0, 1] < 1e-3
    assert errors['BlazePose full, its own landmarks'][:, 1].max() < 0.1
    ended = run_tool('real_video', clip, '--poses', f'2={files[2]}', f'1={files[1]}')
    units, _, head, _, _, first, last = ended.out.splitlines()[:7]
    assert units == 'MPJPE / P-MPJPE, mm / acceleration error, m/s²' and head == '|  | camera 2 | camera 1 | mean |'
    assert first.endswith(' | – / – / – | – / – / – |')
    numbers = f'{mpjpe:.1f} / {aligned:.1f} / {acceleration:.1f}', f'{mpjpe / 2:.1f} / {aligned / 2:.1f} /'
    assert last.startswith(f'| poses | 0.0 / 0.0 / 0.0 | {numbers[0]} | {numbers[1]} ')


@pytest.mark.parametrize(
    ('camera', 'changes', 'message'),
    [
        (2, {}, r'1\.npz: joints are \d+ px from those of camera 2, \d\d % of the person.s size: are they'),
        (3, {}, r'clip\.npz has cameras 1 to 2, got 3'),
        (1, dict(fps=30), '1000 x 960 px at 60 frames a second, got 1000 x 960 px at 30'),
        (1, dict(size=(960, 1000)), 'expected poses of camera 1, 1000 x 960 px .*, got 960 x 1000 px'),
        (1, dict(poses=np.zeros((59, 17, 3))), 'expected one person in all 60 frames, got 59 poses; --boxes'),
        (1, dict(skeleton=replace(H36M, joint_names=H36M.joint_names[:-1] + ('hand',))), "expected Human3.6M's joints"),
    ],
)
def test_other_poses(write_clip, write_poses, camera, changes, message):
    clip = write_clip()
    path = write_poses(clip, 1, **(dict(poses=np.zeros((60, 17, 3))) | changes))
    with pytest.raises(InputError, match=message):
        errors_of_poses(clip, {camera: path})
    with pytest.raises(InputError, match=message):
        truth_of_poses(clip, camera, path)


def test_options(write_clip, run_tool):
    clip = write_clip()
    for given in (['poses.npz'], ['1=a', '1=b'], ['1=']):
        assert ': expected CAMERA=FILE, each camera once' in run_tool('real_video', clip, '--poses', *given).status
    assert run_tool('real_video', clip, '--poses', '1=a.npz').status.startswith('error: no file a.npz: expected an npz')
    assert 'give refiners or --poses, not both' in run_tool('real_video', clip, 'a=b:c', '--poses', '1=a.npz').err


def test_table(write_clip, tmp_path, run_tool):
    path = write_clip()
    model = MODELS.build(Config.fromfile(CONFIG).model)
    model.head.conv.weight.data.zero_()  # it always gives the same pose
    person = next(scenes_of_clip(path, 'heavy')).truth[0]
    model.head.conv.bias.data[:] = torch.from_numpy(person - person[:1]).ravel()
    for seed in (0, 1):
        meta = dict(dataset_meta=dict(frame_rate=50.0))
        torch.save(dict(state_dict=model.state_dict(), meta=meta), tmp_path / f'{seed}.pth')
    ended = run_tool('real_video', path, f'2D={CONFIG}:{tmp_path}/*.pth')
    assert ended.status == 0
    head, _, estimator, refined = [line for line in ended.out.splitlines() if line.startswith('|')]
    assert head == '|  | heavy | heavy, finished | full | full, finished |'
    assert estimator.startswith('| the estimator | ') and refined.count('± 0.0') == 12
    assert refined.startswith('| 2D | ')
    ended = run_tool('real_video', path, f'2D={CONFIG}:{tmp_path}/no.pth')
    assert 'expected TITLE=CONFIG:CHECKPOINTS' in str(ended.status) + ended.err
