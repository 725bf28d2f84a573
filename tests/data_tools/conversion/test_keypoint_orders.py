import numpy as np
import pytest

from depth_refine.data_tools.conversion.keypoint_orders import NUM_JOINTS, to_h36m
from depth_refine.structures.skeleton import JOINT_NAMES
from depth_refine.utils.errors import InputError

COCO = (
    *('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear', 'left_shoulder', 'right_shoulder'),
    *('left_elbow', 'right_elbow', 'left_wrist', 'right_wrist', 'left_hip', 'right_hip'),
    *('left_knee', 'right_knee', 'left_foot', 'right_foot'),
)
BODY_25 = (
    *('nose', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist', 'left_shoulder', 'left_elbow', 'left_wrist'),
    *('mid_hip', 'right_hip', 'right_knee', 'right_foot', 'left_hip', 'left_knee', 'left_foot'),
    *('right_eye', 'left_eye', 'right_ear', 'left_ear', *(f'toe_{i}' for i in range(6))),
)
WHOLEBODY = (*COCO, *(f'point_{i}' for i in range(116)))


def expected_joint(name, joints):
    """The convention, by names."""

    def middle(part):
        return (joints[f'left_{part}'] + joints[f'right_{part}']) / 2

    if name in ('root', 'thorax', 'head'):
        return middle(dict(root='hip', thorax='shoulder', head='eye')[name])
    if name == 'spine':
        return (middle('hip') + middle('shoulder')) / 2
    return joints['nose' if name == 'neck_base' else name]


@pytest.mark.parametrize(
    ('order', 'names'), [('coco', COCO), ('body_25', BODY_25), ('coco_wholebody', WHOLEBODY)], ids=lambda x: str(x)[:9]
)
@pytest.mark.parametrize('channels', [1, 2, 4])
def test_convention(order, names, channels):
    keypoints = np.random.default_rng(0).normal(size=(5, len(names), channels))
    joints = dict(zip(names, keypoints.swapaxes(0, 1), strict=True))
    expected = np.stack([expected_joint(name, joints) for name in JOINT_NAMES], axis=1)
    np.testing.assert_allclose(to_h36m(keypoints, order), expected, rtol=1e-12)
    assert NUM_JOINTS[order] == len(names)


def test_h36m_stays():
    keypoints = np.random.default_rng(0).normal(size=(3, 17, 3))
    np.testing.assert_array_equal(to_h36m(keypoints, 'h36m'), keypoints)


def test_joints_made_of_unknown_ones_are_unknown():
    keypoints = np.ones((1, 17, 2))
    keypoints[0, COCO.index('left_hip')] = np.nan
    unknown = np.isnan(to_h36m(keypoints, 'coco')).all(axis=-1)[0]
    assert {JOINT_NAMES[i] for i in np.flatnonzero(unknown)} == {'root', 'left_hip', 'spine'}


def test_unknown_orders_and_counts():
    with pytest.raises(
        InputError, match=r"unknown joint order 'mpii': expected one of h36m \(17 joints\), coco \(17 .*guess"
    ):
        to_h36m(np.ones((1, 16, 2)), 'mpii')
    with pytest.raises(InputError, match=r"expected 25 joints in the order 'body_25', got 18\. Name the right order"):
        to_h36m(np.ones((1, 18, 2)), 'body_25')
