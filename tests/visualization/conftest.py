"""A standing person with a raised left arm in front of the camera."""

import numpy as np
import pytest

from depth_refine.visualization import PoseFrame

# x right, y down, z forward in decimetres; the person faces the camera, so the left side is at the right.
_JOINTS = [
    (0, 0, 0), (-1, 0, 0), (-1, 4, -1), (-1, 8, 0), (1, 0, 0), (1, 4, -1), (1, 8, 0), (0, -2, 0), (0, -4, 0),
    (0, -5, 0), (0, -6, 0), (2, -4, 0), (4, -4, 0), (4, -6, 0), (-2, -4, 0), (-2, -1, 0), (-2, 1, -2),
]  # fmt: skip


@pytest.fixture
def pose():
    """(17, 3) camera-frame metres, root at 4 m."""
    return np.array(_JOINTS) / 10 + [0.2, -0.1, 4.0]


@pytest.fixture
def frame(pose):
    """A frame whose prediction is 50 mm off in depth at every joint but the root."""
    off = pose + [0, 0, 0.05]
    off[0] = pose[0]
    image = np.full((90, 160, 3), 200, np.uint8)
    keypoints = pose[:, :2] * 40 + [70, 45]
    return PoseFrame(image, keypoints, pose, {'first stage': off, 'refined': pose.copy()}, 'S9 Posing, frame 7')
