"""Joint orders of 2D and 3D pose estimators, mapped to Human3.6M's 17 joints."""

import numpy as np
from mmpose.apis.inference_3d import convert_keypoint_definition

from depth_refine.utils.errors import InputError

# OpenPose's BODY_25 to COCO's order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, left before
# right. Its own neck and middle of the hips are not used, so that one convention holds for all.
_COCO_IN_BODY_25 = (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11)
_NUM_BODY_JOINTS = 17  # of COCO-WholeBody, which begins with COCO's

NUM_JOINTS = dict(h36m=17, coco=17, coco_wholebody=133, body_25=25)


def to_h36m(keypoints: np.ndarray, order: str) -> np.ndarray:
    """Joints of another order as Human3.6M's 17.

    The convention for COCO is that of MMPose's ``convert_keypoint_definition``, which computes it: the root is the
    middle of the hips, the thorax the middle of the shoulders, the spine the middle of these two, the neck base the
    nose and the head the middle of the eyes. Nose and eyes are some centimetres below and before Human3.6M's joints.
    All channels are treated alike: a depth or score becomes the mean, and NaN makes all that depends on it NaN.

    Args:
        keypoints: (N, K, C), any channels.
        order: a key of ``NUM_JOINTS``.

    Returns:
        (N, 17, C).

    Raises:
        InputError: the order is not known, or K is not its number of joints.
    """
    known = ', '.join(f'{name} ({count} joints)' for name, count in NUM_JOINTS.items())
    if order not in NUM_JOINTS:
        raise InputError(
            f'unknown joint order {order!r}: expected one of {known}. Which number is which joint cannot be guessed '
            'from coordinates; write the joints in one of these orders.'
        )
    if keypoints.shape[1] != NUM_JOINTS[order]:
        raise InputError(
            f'expected {NUM_JOINTS[order]} joints in the order {order!r}, got {keypoints.shape[1]}. Name the right '
            f'order of {known}, or write the joints in one of these.'
        )
    if order == 'h36m':
        return keypoints
    if order == 'body_25':
        keypoints = keypoints[:, _COCO_IN_BODY_25]
    return convert_keypoint_definition(keypoints[:, :_NUM_BODY_JOINTS], 'coco', 'h36m')
