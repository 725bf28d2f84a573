"""Four Human3.6M-like cameras around the room of each subject."""

import numpy as np

from depth_refine.functional.camera import project, world_to_camera
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import CAMERA_IDS

_AZIMUTHS = (70, -70, 110, -116)  # degrees around the room's centre, as in the real recordings
_DISTANCE = 4.9  # metres, horizontally
_FARTHEST = 12.0
_MARGIN = 0.03  # part of the image's side that stays free around the joints


def make_cameras(subject: str, index: int, seed: int, image_size: int, joints: np.ndarray) -> dict:
    """Cameras of one subject, just far enough away to see all its motion.

    Args:
        subject: name, for the keys.
        index: number of the subject, which varies the cameras at random.
        seed: of the dataset.
        image_size: width and height, px.
        joints: (T, 17, 3) world metres, all that the cameras must see.

    Returns:
        ``{(subject, camera id): camera}`` with the fields of MMPose's ``cameras.pkl``.

    Raises:
        InputError: the motion spreads too far for cameras of this kind.
    """
    rng = np.random.default_rng([seed, 3, index])
    jitters = [rng.uniform(-1, 1, 16) for _ in CAMERA_IDS]
    points = joints.reshape(-1, 3)
    distance = _DISTANCE
    while distance <= _FARTHEST:
        cameras = {
            (subject, name): _camera(name, azimuth, distance, image_size, jitter)
            for name, azimuth, jitter in zip(CAMERA_IDS, _AZIMUTHS, jitters, strict=True)
        }
        if all(_sees(camera, points) for camera in cameras.values()):
            return cameras
        distance *= 1.04
    raise InputError(
        f'the motion of subject {subject!r} spreads over {np.ptp(points[:, 0]):.1f} x {np.ptp(points[:, 1]):.1f} m '
        f'and is not in view of cameras {_FARTHEST:.0f} m away: cut its clips into shorter ones'
    )


def _camera(name: str, azimuth: float, distance: float, size: int, jitter: np.ndarray) -> dict:
    angle = np.radians(azimuth + 4 * jitter[0])
    distance *= 1 + 0.04 * jitter[1]
    centre = np.array([distance * np.cos(angle), distance * np.sin(angle), 1.55 + 0.07 * jitter[2]])
    forward = np.array([0.08 * jitter[3], 0.08 * jitter[4], 0.95 + 0.03 * jitter[5]]) - centre
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    roll = np.radians(0.8 * jitter[6])
    down = np.cross(forward, right)
    right, down = np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right
    focal = size * (1.1465 + 0.003 * jitter[7] + np.array([0.0005, -0.0005]) * jitter[8])
    return {
        'R': np.column_stack([right, down, forward]),
        'T': centre[:, None],
        'f': focal[:, None],
        'c': (size * (0.512 + 0.006 * jitter[9:11]))[:, None],
        'k': (np.array([-0.203, 0.249, -0.0027]) * (1 + 0.1 * jitter[11:14]))[:, None],
        'p': (np.array([-0.0009, -0.0015]) * (1 + 0.3 * jitter[14:16]))[:, None],
        'w': size,
        'h': size,
        'id': name,
    }


def _sees(camera: dict, points: np.ndarray) -> bool:
    local = world_to_camera(points, camera)
    if local[:, 2].min() < 0.5:
        return False
    pixels = project(local, camera) / camera['w']
    return pixels.min() > _MARGIN and pixels.max() < 1 - _MARGIN
