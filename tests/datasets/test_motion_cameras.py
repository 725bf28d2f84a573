import numpy as np
import pytest
import torch
from motion_file import motion_clips
from scipy import stats

from depth_refine.datasets.motion_cameras import RandomCameras
from depth_refine.utils.errors import InputError

STILL = dict(yaw=[90.0], pitch=(0.0, 0.0), roll=0.0, tilted=(0.0, 30.0), distance=(4.0, 4.0), off_axis=0.0)


@pytest.fixture(scope='module')
def windows():
    """(2000, 9, 17, 3) of two people, the second of which is 40 m away."""
    positions = torch.from_numpy(motion_clips(lengths=(90,))['positions']).view(10, 9, 17, 3)
    return torch.cat([positions, positions + torch.tensor([40.0, 0, 0])]).repeat(100, 1, 1, 1)


def pixels(joints, camera):
    return joints[..., :2] / joints[..., 2:] * camera['f'][:, None, None] + camera['c'][:, None, None]


def test_axes(windows):
    joints, camera = RandomCameras(**STILL)(windows, root=0)
    moved = windows - windows[:, 4:5, :1]
    # it looks along y, at a root at the middle of the window and of the frame: x is right, z is up
    expected = torch.stack([moved[..., 0], -moved[..., 2], moved[..., 1] + 4], dim=-1)
    torch.testing.assert_close(joints, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(pixels(joints, camera)[:, 4, 0], torch.full((2000, 2), 500.0))
    rolled, _ = RandomCameras(**STILL | dict(tilted=(1.0, 1e-9), pitch=(30.0, 0.0)))(windows, root=0)
    up = rolled - RandomCameras(**STILL | dict(pitch=(30.0, 0.0)))(windows - torch.tensor([0, 0, 1.0]), 0)[0]
    torch.testing.assert_close(up.abs().max(), torch.tensor(0.0), atol=1e-5, rtol=0)  # it follows the person
    head = rolled[:, 4, 10] - rolled[:, 4, 0]  # looking down, it sees a head that is above the root nearer
    assert (head[:, 2] < moved[:, 4, 10, 1]).all()


def test_distances_between_joints_stay_and_all_are_in_view(windows):
    torch.manual_seed(0)
    joints, camera = RandomCameras(distance=(0.6, 8.0), off_axis=0.9, focal=(0.5, 3.0))(windows, root=7)
    lengths = [(poses[:, :, 1:] - poses[:, :1, :1]).norm(dim=-1) for poses in (joints, windows)]
    torch.testing.assert_close(*lengths, atol=1e-4, rtol=0)
    at = torch.linalg.det(torch.linalg.lstsq(windows[:, 0] - windows[:, :1, 0], joints[:, 0] - joints[:, :1, 0])[0])
    torch.testing.assert_close(at, torch.ones(2000), atol=1e-2, rtol=0)  # nobody is mirrored
    assert joints[..., 2].min() > 0.499 and pixels(joints, camera).min() > -0.1
    assert pixels(joints, camera).max() < 1000.1 and (camera['w'] == camera['h']).all()


def test_distributions(windows):
    torch.manual_seed(0)
    joints, camera = RandomCameras(distance=(4.0, 8.0), off_axis=0.3)(windows, root=0)
    at = (joints[:, 4, 0], pixels(joints, camera)[:, 4, 0])
    for numbers, low, high in (
        (torch.log(at[0][:, 2]), np.log(4), np.log(8)),  # far enough away to see all
        (at[1][:, 0], 350, 650),
        (at[1][:, 1], 350, 650),
        (torch.log(camera['f'][:, 0] / 1000), np.log(0.7), np.log(2)),
    ):
        assert stats.kstest(numbers.numpy(), stats.uniform(low, high - low).cdf).statistic < 0.05
    axes = torch.linalg.lstsq(windows[:, 0] - windows[:, :1, 0], joints[:, 0] - joints[:, :1, 0])[0].numpy()
    forward = axes[:, :, 2]
    assert stats.kstest(np.arctan2(forward[:, 1], forward[:, 0]), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 0.01
    pitch = np.degrees(np.arcsin(-forward[:, 2]))
    assert abs(pitch.mean() - 8) < 1 and abs(pitch.std() - 12) < 1
    roll = np.degrees(np.arctan2(-axes[:, 2, 0], -axes[:, 2, 1]))
    assert abs(np.median(np.abs(roll)) - 3.4) < 0.5 and 0.08 < np.mean(np.abs(roll) > 14) < 0.18


def test_yaws_and_seeds(windows):
    cameras = RandomCameras(**STILL | dict(yaw=[0.0, 90.0, 180.0]))
    one, other = (cameras(windows, 0, torch.Generator().manual_seed(3))[0] for _ in range(2))
    assert torch.equal(one, other) and not torch.equal(one, cameras(windows, 0)[0])
    depth = (one - one[:, 4:5, :1])[..., 2] - (windows - windows[:, 4:5, :1])[..., 0]
    assert 0.25 < (depth.abs().amax((1, 2)) < 1e-4).float().mean() < 0.42


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(distance=(3.0, 2.0)), 'low before high'),
        (dict(distance=(2000, 8000)), 'distance of RandomCameras'),
        (dict(focal=(1145.0, 1149.0)), 'focal of RandomCameras'),
        (dict(tilted=(20, 30)), 'tilted of RandomCameras'),
        (dict(off_axis=1.0), 'off_axis'),
        (dict(yaw=[400.0]), 'yaw'),
        (dict(pitch=(8.0, 'x')), 'pitch'),
    ],
)
def test_bad_numbers(changes, message):
    with pytest.raises(InputError, match=message):
        RandomCameras(**changes)
