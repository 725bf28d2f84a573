"""The height of a person: estimated from poses, or given to them."""

import numpy as np

from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.errors import InputError
from depth_refine.utils.units import Quantity, require_unit

from .body_landmarks import body_landmarks
from .bone_lengths import checked_poses

# Heights of joints above the floor as fractions of the stature: shoulders 0.818, ankles 0.039. Drillis and Contini,
# "Body segment parameters", New York University, 1966; also in Winter, "Biomechanics and motor control of human
# movement".
_ANKLES_TO_SHOULDERS = 0.818 - 0.039
_STATURE = Quantity('metres', 0.4, 2.6, 'divide by what makes it metres', 'looks like centimetres or feet: give metres')


def estimate_stature(joints: np.ndarray, skeleton: Skeleton) -> float:
    """Standing height to the top of the head, metres, from the lengths of legs and trunk.

    The distance from ankles to shoulders is 0.779 of the height on average, and differs by 2 to 3 % between people of
    one height. The head is not measured: skeletons call anything between ears and crown a head.

    Args:
        joints: (T, K, 3) metres in any frame. Lengths are medians over time, so that nobody has to stand straight.
        skeleton: of the joints.

    Raises:
        InputError: the skeleton has no hips, knees, ankles or shoulders, see :func:`body_landmarks`; the joints are not
            the skeleton's or not finite; or legs and trunk have no length.
    """
    joints = checked_poses(joints, skeleton)
    parts = {name: joints[:, pair] for name, pair in body_landmarks(skeleton).items()}
    hips, shoulders = parts['hip'].mean(axis=1), parts['shoulder'].mean(axis=1)
    bones = [parts['hip'] - parts['knee'], parts['knee'] - parts['ankle'], (shoulders - hips)[:, None]]
    length = float(sum(np.median(np.linalg.norm(bone, axis=-1)) for bone in bones))
    if not length > 0:
        raise InputError(f'the poses do not tell how tall the person is: legs and trunk measure {length} m')
    return length / _ANKLES_TO_SHOULDERS


def scale_to_stature(joints: np.ndarray, stature: float, skeleton: Skeleton) -> np.ndarray:
    """Poses of a person of known height, at the distance at which the image shows them in that size.

    Args:
        joints: (T, K, 3) metres in the camera frame. They are scaled about the camera, the origin, and stay on their
            rays. Root-relative poses are scaled about their root.
        stature: metres, barefoot, to the top of the head.
        skeleton: of the joints.

    Returns:
        (T, K, 3) metres, float64.

    Raises:
        InputError: ``stature`` is not that of a person in metres, or see :func:`estimate_stature`.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.stature import estimate_stature, scale_to_stature
        >>> from depth_refine.structures.skeleton import H36M
        >>> poses = np.random.default_rng(0).normal(size=(5, 17, 3))
        >>> round(estimate_stature(scale_to_stature(poses, 1.75, H36M), H36M), 6)
        1.75
    """
    require_unit('the height of the person', stature, _STATURE)
    if not stature > 0:
        raise InputError(f'the height of the person is {stature}, expected metres, above 0')
    return np.asarray(joints, np.float64) * (stature / estimate_stature(joints, skeleton))
