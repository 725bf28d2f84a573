"""The joint orders of other estimators, and Human3.6M's 17 joints made of theirs.

By ``MADE_OF``, each joint of Human3.6M is the mean of some joints of the other order. Hips, knees, shoulders, elbows
and wrists are the same in all orders, and ankles replace feet. The other joints follow conventions, since orders define
the trunk and the head differently:

===========  ==========================  ============  ====================  =================
Human3.6M    COCO, WholeBody, BODY_25    Halpe-26      MPII                  MediaPipe
===========  ==========================  ============  ====================  =================
root         middle of the hips          hip           pelvis                middle of the hips
thorax       middle of the shoulders     neck          upper neck            middle of the shoulders
spine        middle of root and thorax   the same      the same              the same
neck base    nose                        nose          middle of thorax and  middle of thorax and
                                                       head                  head
head         middle of the eyes          head          head top              middle of the ears
===========  ==========================  ============  ====================  =================

The convention for COCO is MMPose's (``convert_keypoint_definition``), by which its lifters read COCO's joints.
OpenPose's own neck and middle of the hips are not used, so that the convention holds for all three orders. That for
Halpe-26 is MotionBERT's. That for MPII is :class:`depth_refine.datasets.MpiiBodyDataset`'s, with two more approximated
joints; MPII's thorax is not used. Nose and eyes are some centimetres below and in front of Human3.6M's joints, ears
below. Every order gives all 17 joints.
"""

import numpy as np

from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

_COCO = (
    *('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear', 'left_shoulder', 'right_shoulder', 'left_elbow'),
    *('right_elbow', 'left_wrist', 'right_wrist', 'left_hip', 'right_hip', 'left_knee', 'right_knee', 'left_ankle'),
    'right_ankle',
)

# Joint names in their order, MMPose's names where it has the order; of COCO-WholeBody's 133 joints the first 23.
ORDERS: dict[str, tuple[str, ...]] = dict(
    h36m=H36M.joint_names,
    coco=_COCO,
    coco_wholebody=(
        *_COCO,
        *('left_big_toe', 'left_small_toe', 'left_heel', 'right_big_toe', 'right_small_toe', 'right_heel'),
    ),
    body_25=(
        *('nose', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist', 'left_shoulder', 'left_elbow'),
        *('left_wrist', 'mid_hip', 'right_hip', 'right_knee', 'right_ankle', 'left_hip', 'left_knee', 'left_ankle'),
        *('right_eye', 'left_eye', 'right_ear', 'left_ear', 'left_big_toe', 'left_small_toe', 'left_heel'),
        *('right_big_toe', 'right_small_toe', 'right_heel'),
    ),
    halpe26=(
        *_COCO,
        *('head', 'neck', 'hip', 'left_big_toe', 'right_big_toe', 'left_small_toe', 'right_small_toe'),
        *('left_heel', 'right_heel'),
    ),
    mpii=(
        *('right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle', 'pelvis', 'thorax'),
        *('upper_neck', 'head_top', 'right_wrist', 'right_elbow', 'right_shoulder', 'left_shoulder', 'left_elbow'),
        'left_wrist',
    ),
    mediapipe=(
        *('nose', 'left_eye_inner', 'left_eye', 'left_eye_outer', 'right_eye_inner', 'right_eye', 'right_eye_outer'),
        *('left_ear', 'right_ear', 'mouth_left', 'mouth_right', 'left_shoulder', 'right_shoulder', 'left_elbow'),
        *('right_elbow', 'left_wrist', 'right_wrist', 'left_pinky', 'right_pinky', 'left_index', 'right_index'),
        *('left_thumb', 'right_thumb', 'left_hip', 'right_hip', 'left_knee', 'right_knee', 'left_ankle'),
        *('right_ankle', 'left_heel', 'right_heel', 'left_foot_index', 'right_foot_index'),
    ),
)
NUM_JOINTS = {order: len(names) for order, names in ORDERS.items()} | dict(coco_wholebody=133)

_HIPS, _SHOULDERS = ('left_hip', 'right_hip'), ('left_shoulder', 'right_shoulder')
_EYES, _EARS = ('left_eye', 'right_eye'), ('left_ear', 'right_ear')
_AS_COCO = dict(root=_HIPS, thorax=_SHOULDERS, spine=_HIPS + _SHOULDERS, neck_base=('nose',), head=_EYES)
_TRUNKS: dict[str, dict[str, tuple[str, ...]]] = dict(
    coco=_AS_COCO,
    coco_wholebody=_AS_COCO,
    body_25=_AS_COCO,
    halpe26=dict(root=('hip',), thorax=('neck',), spine=('hip', 'neck'), neck_base=('nose',), head=('head',)),
    mpii=dict(
        root=('pelvis',),
        thorax=('upper_neck',),
        spine=('pelvis', 'upper_neck'),
        neck_base=('upper_neck', 'head_top'),
        head=('head_top',),
    ),
    mediapipe=_AS_COCO | dict(neck_base=_SHOULDERS + _EARS, head=_EARS),
)
# For each order and each joint of Human3.6M, the joints whose mean it is.
MADE_OF: dict[str, dict[str, tuple[str, ...]]] = {
    order: {joint: trunk.get(joint, (joint.replace('foot', 'ankle'),)) for joint in H36M.joint_names}
    for order, trunk in _TRUNKS.items()
}


def check_order(order: str, count: int, where: str = '') -> None:
    """Check that an order is known and has ``count`` joints; ``where`` names their source in the message.

    Raises:
        InputError: the order is not known, or has another number of joints.
    """
    known = ', '.join(f'{name} ({number} joints)' for name, number in NUM_JOINTS.items())
    if order not in NUM_JOINTS:
        raise InputError(
            f'unknown joint order {order!r}: expected one of {known}. Which number is which joint cannot be guessed '
            'from coordinates; write the joints in one of these orders and name it, as --joint-order does.'
        )
    if count != NUM_JOINTS[order]:
        raise InputError(
            f'{where}{": " if where else ""}expected {NUM_JOINTS[order]} joints in the order {order!r}, got {count}. '
            f'Name the right --joint-order of {known}, or write the joints in one of these.'
        )


def to_h36m(joints: np.ndarray, order: str) -> np.ndarray:
    """Human3.6M's joints (N, 17, C) of joints (N, K, C) in another order, a key of ``NUM_JOINTS``.

    All C channels become means, depths and scores included. A joint that is NaN makes NaN of all joints made of it.

    Raises:
        InputError: see :func:`check_order`.

    Example:
        >>> import numpy as np
        >>> from depth_refine.data_tools.conversion.joint_orders import ORDERS, to_h36m
        >>> joints = np.zeros((1, 17, 2))
        >>> joints[0, ORDERS['coco'].index('left_hip')] = [100, 50]
        >>> to_h36m(joints, 'coco')[0, 0].tolist()  # the root is the middle of the hips
        [50.0, 25.0]
    """
    check_order(order, joints.shape[1])
    if order == 'h36m':
        return joints
    names = ORDERS[order]
    sources = [[names.index(name) for name in MADE_OF[order][joint]] for joint in H36M.joint_names]
    return np.stack([joints[:, numbers].mean(axis=1) for numbers in sources], axis=1)


def middle_of_face(joints: np.ndarray, order: str) -> np.ndarray:
    """The mean (N, C) of those of nose, eyes and ears that were found in joints (N, K, C); NaN if none were."""
    face = joints[:, [number for number, name in enumerate(ORDERS[order]) if name in ('nose', *_EYES, *_EARS)]]
    found = ~np.isnan(face).any(axis=-1, keepdims=True)
    with np.errstate(invalid='ignore'):
        return np.where(found, face, 0).sum(axis=1) / found.sum(axis=1)
