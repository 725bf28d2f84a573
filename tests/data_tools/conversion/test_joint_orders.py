import numpy as np
import pytest
from mmpose.apis.inference_3d import convert_keypoint_definition

from depth_refine.data_tools.conversion.joint_orders import (
    MADE_OF,
    NUM_JOINTS,
    ORDERS,
    check_order,
    middle_of_face,
    to_h36m,
)
from depth_refine.structures.skeleton import H36M, parse_metainfo
from depth_refine.utils.errors import InputError

RNG = np.random.default_rng(0)
LEGS_ARMS = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]
OPENPOSE = (  # from its documentation
    'Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist MidHip RHip RKnee RAnkle LHip LKnee LAnkle REye LEye '
    'REar LEar LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel'
)


@pytest.mark.parametrize('order', ['h36m', 'coco', 'coco_wholebody', 'halpe26', 'mpii'])
def test_names_and_numbers_are_mmposes(order):
    parsed = parse_metainfo(dict(from_file=f'configs/_base_/datasets/{order}.py'))
    assert parsed['num_keypoints'] == NUM_JOINTS[order]
    names = tuple(parsed['keypoint_id2name'][number] for number in range(len(ORDERS[order])))
    assert ORDERS[order] == names


def test_names_of_openpose():
    def plain(name):
        return name.replace('left_', 'l').replace('right_', 'r').replace('_', '')

    assert [plain(name) for name in ORDERS['body_25']] == OPENPOSE.lower().split()


@pytest.mark.parametrize('order', ['coco', 'coco_wholebody', 'body_25'])
def test_cocos_convention_is_mmposes(order):
    coco = RNG.normal(size=(4, 17, 3))
    joints = np.full((4, NUM_JOINTS[order], 3), np.nan)
    joints[:, [ORDERS[order].index(name) for name in ORDERS['coco']]] = coco
    np.testing.assert_allclose(to_h36m(joints, order), convert_keypoint_definition(coco, 'coco', 'h36m'))


def test_halpe26_by_number():
    """The convention is MotionBERT's for AlphaPose."""
    joints = RNG.normal(size=(4, 26, 3))
    numbers = [19, 12, 14, 16, 11, 13, 15, 18, 18, 0, 17, 5, 7, 9, 6, 8, 10]
    expected = joints[:, numbers]
    expected[:, 7] = (joints[:, 18] + joints[:, 19]) / 2
    np.testing.assert_allclose(to_h36m(joints, 'halpe26'), expected)


def test_mpii_and_mediapipe_by_number():
    joints = RNG.normal(size=(4, 33, 2))
    mpii, mediapipe = to_h36m(joints[:, :16], 'mpii'), to_h36m(joints, 'mediapipe')
    p = joints.swapaxes(0, 1)
    np.testing.assert_array_equal(mpii[:, LEGS_ARMS], joints[:, [2, 1, 0, 3, 4, 5, 13, 14, 15, 12, 11, 10]])
    expected = np.stack([p[6], (p[6] + p[8]) / 2, p[8], (p[8] + p[9]) / 2, p[9]], axis=1)
    np.testing.assert_allclose(mpii[:, [0, 7, 8, 9, 10]], expected)
    expected = joints[:, [24, 26, 28, 23, 25, 27, 11, 13, 15, 12, 14, 16]]
    np.testing.assert_array_equal(mediapipe[:, LEGS_ARMS], expected)
    hips, shoulders, ears = (p[23] + p[24]) / 2, (p[11] + p[12]) / 2, (p[7] + p[8]) / 2
    expected = np.stack([hips, (hips + shoulders) / 2, shoulders, (shoulders + ears) / 2, ears], axis=1)
    np.testing.assert_allclose(mediapipe[:, [0, 7, 8, 9, 10]], expected)


@pytest.mark.parametrize('order', list(MADE_OF))
def test_left_and_right_stay_apart(order):
    def other(name):
        return name.replace('left', '*').replace('right', 'left').replace('*', 'right')

    joints, names = RNG.normal(size=(1, NUM_JOINTS[order], 2)), ORDERS[order]
    mirrored = joints.copy()
    mirrored[:, : len(names)] = joints[:, [names.index(other(name)) for name in names]]
    np.testing.assert_allclose(to_h36m(mirrored, order), to_h36m(joints, order)[:, H36M.flip_indices])


def test_missing_joints_and_the_middle_of_the_face():
    joints = RNG.normal(size=(3, 25, 3))
    joints[0, 12] = joints[1, [0, 15, 17]] = joints[2, [0, 15, 16, 17, 18]] = np.nan
    lost = np.isnan(to_h36m(joints, 'body_25')).all(axis=-1)
    assert [np.flatnonzero(each).tolist() for each in lost] == [[0, 4, 7], [9, 10], [9, 10]]
    expected = [joints[0, [0, 15, 16, 17, 18]].mean(axis=0), joints[1, [16, 18]].mean(axis=0), [np.nan] * 3]
    np.testing.assert_allclose(middle_of_face(joints, 'body_25'), expected)
    assert np.isnan(middle_of_face(joints[:, :16], 'mpii')).all()


def test_other_orders():
    message = r"unknown joint order 'aic': expected one of h36m \(17 joints\), coco .*mediapipe \(33 joints\)\. Whi"
    with pytest.raises(InputError, match=message):
        check_order('aic', 14)
    with pytest.raises(InputError, match=r"expected 26 joints in the order 'halpe26', got 17\. Name the right"):
        to_h36m(np.ones((2, 17, 2)), 'halpe26')
