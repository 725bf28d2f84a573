"""The 17-joint Human3.6M skeleton in MMPose's joint order; joint 0 is the root (pelvis)."""

import numpy as np

JOINT_NAMES = (
    'root', 'right_hip', 'right_knee', 'right_foot', 'left_hip', 'left_knee', 'left_foot',
    'spine', 'thorax', 'neck_base', 'head',
    'left_shoulder', 'left_elbow', 'left_wrist', 'right_shoulder', 'right_elbow', 'right_wrist',
)  # fmt: skip
ROOT = 0
PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
FLIP_INDICES = (0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13)
BONES = tuple((parent, joint) for joint, parent in enumerate(PARENTS) if parent >= 0)


def bone_lengths(joints: np.ndarray) -> np.ndarray:
    """Length of each of the 16 bones, in the order of ``BONES``.

    Args:
        joints: (..., 17, 3) positions in any frame, metres.

    Returns:
        (..., 16) lengths, metres.
    """
    parents, children = np.array(BONES).T
    return np.linalg.norm(joints[..., children, :] - joints[..., parents, :], axis=-1)
