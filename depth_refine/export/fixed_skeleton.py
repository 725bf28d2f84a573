"""Poses whose bones keep their length, as animation formats need, and the joint rotations that make them.

Shape key: T frames, K = 17 joints.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from depth_refine.structures.skeleton import FLIP_INDICES, JOINT_NAMES, PARENTS, ROOT
from depth_refine.utils.errors import InputError

_HIPS = (JOINT_NAMES.index('right_hip'), JOINT_NAMES.index('left_hip'))
_SHOULDERS = (JOINT_NAMES.index('right_shoulder'), JOINT_NAMES.index('left_shoulder'))
_SPINE, _THORAX = JOINT_NAMES.index('spine'), JOINT_NAMES.index('thorax')

# Direction of the bone that ends at a joint when nothing is turned: arms out to the sides, legs down; x to the person's
# left, y up, z forward.
_UP, _DOWN, _LEFT, _RIGHT = (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0)
REST_DIRECTIONS = np.array(
    [(0, 0, 0), _RIGHT, _DOWN, _DOWN, _LEFT, _DOWN, _DOWN, _UP, _UP, _UP, _UP, *[_LEFT] * 3, *[_RIGHT] * 3], float
)


class SkeletonMotion(NamedTuple):
    """Rotations of a skeleton of fixed bones, global, of T frames each.

    Bone j, from the parent of joint j to joint j, has the offset ``bones[j].apply(offsets[j])``.
    """

    offsets: np.ndarray  # (K, 3) metres, each joint from its parent when nothing is turned
    bones: list[Rotation]  # K; the root's is the pelvis's, which the hips share
    chest: Rotation  # from the shoulders and the spine


def skeleton_motion(joints: np.ndarray) -> SkeletonMotion:
    """Rotations whose forward kinematics gives the poses with each bone at its median length, in its own direction.

    Left and right bones have one length. The hips lie to both sides of the root on the line between the observed hips,
    as Human3.6M's do. Joints are placed from the root outwards.

    The pelvis turns with the line of the hips and towards the spine joint, the chest with the line of the shoulders and
    the spine. Every other bone turns from its direction at rest, carried along by the bone it hangs from, the shortest
    way to its own: positions of joints do not tell how a limb is twisted about its length.

    Args:
        joints: (T, K, 3) metres, root at the origin, y up, a person who faces +z having x to the left.

    Raises:
        InputError: a coordinate is not finite, or a bone has no length in a frame and hence no direction; hips or
            shoulders are in line with the spine.
    """
    directions = _directions(joints)
    pelvis = _upright_frame(directions[:, _HIPS[1]], directions[:, _SPINE], 'hips')
    shoulders = joints[:, _SHOULDERS[1]] - joints[:, _SHOULDERS[0]]
    chest = _upright_frame(shoulders, directions[:, _THORAX], 'shoulders')
    bones = [pelvis]
    for joint, parent in enumerate(PARENTS[1:], start=1):
        carrier = chest if parent == _THORAX else bones[parent]
        turn = _shortest_turn(REST_DIRECTIONS[joint], carrier.inv().apply(directions[:, joint]))
        bones.append(pelvis if joint in _HIPS else carrier * turn)
    lengths = np.linalg.norm(joints - joints[:, np.maximum(PARENTS, 0)], axis=-1)
    lengths = np.median(np.concatenate([lengths, lengths[:, FLIP_INDICES]]), axis=0)
    return SkeletonMotion(REST_DIRECTIONS * lengths[:, None], bones, chest)


def _directions(joints: np.ndarray) -> np.ndarray:
    """(T, K, 3) unit vector of each bone from parent to joint; the hips point away from each other, the root is 0."""
    joints = np.asarray(joints, np.float64)
    if joints.ndim != 3 or joints.shape[1:] != (len(PARENTS), 3) or len(joints) == 0:
        raise InputError(f'expected poses (T, {len(PARENTS)}, 3) of one frame or more, got {joints.shape}')
    if not np.isfinite(joints).all():
        frame, joint, _ = np.argwhere(~np.isfinite(joints))[0]
        raise InputError(f'expected finite poses, got {joints[frame, joint]} in frame {frame}, {JOINT_NAMES[joint]}')
    vectors = joints - joints[:, np.maximum(PARENTS, 0)]
    right, left = _HIPS
    vectors[:, left] = joints[:, left] - joints[:, right]
    vectors[:, right] = -vectors[:, left]
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    length[:, ROOT] = 1
    if not np.all(length > 0):
        frame, joint, _ = np.argwhere(length == 0)[0]
        names = f'{JOINT_NAMES[joint]} and {JOINT_NAMES[PARENTS[joint]]}'
        raise InputError(f'{names} coincide in frame {frame}: a bone without length has no direction')
    return vectors / length


def _upright_frame(left: np.ndarray, up: np.ndarray, name: str) -> Rotation:
    """Rotations that turn x to ``left`` (T, 3) exactly and y towards ``up`` (T, 3) as far as possible."""
    forward = np.cross(left, up)
    axes = [left, np.cross(forward, left), forward]
    lengths = np.linalg.norm(axes, axis=-1)
    if not np.all(lengths > 0):
        frame = np.argwhere(~np.all(lengths > 0, axis=0))[0, 0]
        raise InputError(f'the {name} are in line with the spine in frame {frame}: the body has no front')
    return Rotation.from_matrix(np.stack(np.array(axes) / lengths[..., None], axis=-1))


def _shortest_turn(rest: np.ndarray, direction: np.ndarray) -> Rotation:
    """Rotations about the common perpendicular that turn the unit vector ``rest`` (3,) to ``direction`` (T, 3)."""
    # Half-angle form of a quaternion: (rest x d, 1 + rest . d), normalised by Rotation; x, y, z, w.
    real = 1 + direction @ rest
    axis = np.cross(rest, direction)
    opposite = real < 1e-12  # any perpendicular will do
    axis[opposite] = np.roll(rest, 1)
    return Rotation.from_quat(np.column_stack([axis, real]))
