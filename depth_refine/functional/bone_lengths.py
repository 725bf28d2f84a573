"""Bones of constant length throughout a track.

Shape key: T frames, K joints.
"""

import numpy as np

from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.errors import InputError

_STEPS = 3  # Gauss-Newton steps; more do not improve the poses
_DAMPING = 0.5  # share of each step that is taken; with 1, short bones at right angles to their rays oscillate
_SOFTNESS = 1.0  # variance of a bone's length relative to that of a joint across its ray; less lets such bones jump
_FRAMES_AT_ONCE = 4096  # their equations fit into the CPU's cache


def checked_poses(joints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """The joints (T, K, 3) in float64, after checks.

    Raises:
        InputError: there is no frame, the joints are not the skeleton's, or a coordinate is not finite.
    """
    joints = np.asarray(joints, np.float64)
    if joints.ndim != 3 or joints.shape[1:] != (skeleton.num_joints, 3) or len(joints) == 0:
        raise InputError(f'expected poses (T, {skeleton.num_joints}, 3) of one frame or more, got {joints.shape}')
    if not np.isfinite(joints).all():
        frame, joint, _ = np.argwhere(~np.isfinite(joints))[0]
        name = skeleton.joint_names[joint]
        raise InputError(f'expected finite poses, got {joints[frame, joint]} in frame {frame}, {name}')
    return joints


def bone_vectors(joints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Vectors (T, K, 3) from each joint's parent to the joint, metres; 0 for the root.

    Raises:
        InputError: see :func:`checked_poses`.
    """
    joints = checked_poses(joints, skeleton)
    return joints - joints[:, [joint if parent < 0 else parent for joint, parent in enumerate(skeleton.parents)]]


def unit_vectors(vectors: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Directions (T, K, 3) of bone vectors (T, K, 3), of length 1; that of the root stays 0.

    Raises:
        InputError: a bone has no length in a frame.
    """
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    length[:, skeleton.root] = 1
    if not np.all(length > 0):
        frame, joint, _ = np.argwhere(length == 0)[0]
        names = f'{skeleton.joint_names[joint]} and {skeleton.joint_names[skeleton.parents[joint]]}'
        raise InputError(f'{names} coincide in frame {frame}: a bone without length has no direction')
    return vectors / length


def median_lengths(joints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Bone lengths (K,), metres, of joints (T, K, 3): medians over time and both sides of the body; 0 for the root."""
    flip, bones = skeleton.flip_indices, {frozenset(bone) for bone in skeleton.bones}
    has_twin = [frozenset((flip[parent], flip[joint])) in bones for joint, parent in enumerate(skeleton.parents)]
    own, twin = (np.linalg.norm(bone_vectors(each, skeleton), axis=-1) for each in (joints, joints[:, flip]))
    return np.median(np.concatenate([own, np.where(has_twin, twin, own)]), axis=0)


def fix_bone_lengths(
    joints: np.ndarray, lengths: np.ndarray, skeleton: Skeleton, depth_ratio: float = 4.0
) -> np.ndarray:
    """Move joints as little as possible so that each bone has its length in every frame.

    Each frame is solved on its own. Three damped Gauss-Newton steps approach the minimum of squared displacements of
    joints plus squared errors of bone lengths. Then each bone, from the root outwards, gets its exact length and keeps
    its direction. Joints may move ``depth_ratio`` times further along their rays from the camera than across them: a
    pixel is more exact than a depth, and where a limb is too short or too long, mostly its depths are wrong.

    Args:
        joints: (T, K, 3) metres in the camera frame, the camera at the origin.
        lengths: (K,) metres of the bone to each joint, as :func:`median_lengths` gives them; the root's is ignored.
        skeleton: of the joints.
        depth_ratio: 1 or more. 4 gives the best poses on recorded motion that is refined and placed on rays. 1 treats
            all directions alike, and suits root-relative poses, whose joints have no rays.

    Returns:
        (T, K, 3) metres, float64, bones of exactly these lengths. The root moves like every joint.

    Raises:
        ValueError: lengths are not K, positive and finite, or ``depth_ratio`` is below 1.
        InputError: see :func:`checked_poses` and :func:`unit_vectors`.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.bone_lengths import bone_vectors, fix_bone_lengths, median_lengths
        >>> from depth_refine.structures.skeleton import H36M
        >>> poses = np.random.default_rng(0).normal(size=(9, 17, 3)) + [0, 0, 5]
        >>> lengths = median_lengths(poses, H36M)
        >>> fixed = fix_bone_lengths(poses, lengths, H36M)
        >>> bool(np.allclose(np.linalg.norm(bone_vectors(fixed, H36M), axis=-1), lengths))
        True
    """
    lengths = np.asarray(lengths, np.float64)
    is_length = (lengths > 0) & np.isfinite(lengths)
    if lengths.shape != (skeleton.num_joints,) or not np.delete(is_length, skeleton.root).all():
        raise ValueError(f'expected {skeleton.num_joints} lengths of bones, above 0 but for the root, got {lengths}')
    if not depth_ratio >= 1:
        raise ValueError(f'expected depth_ratio to be 1 or more, got {depth_ratio}')
    joints = checked_poses(joints, skeleton)
    of_bones = lengths[[joint for _, joint in skeleton.bones]]
    parts = np.array_split(joints, -(-len(joints) // _FRAMES_AT_ONCE))
    moved = np.concatenate([_nearest(part, of_bones, skeleton, depth_ratio**2 - 1) for part in parts])
    directions = unit_vectors(bone_vectors(moved, skeleton), skeleton)
    for joint in skeleton.from_root[1:]:
        moved[:, joint] = moved[:, skeleton.parents[joint]] + lengths[joint] * directions[:, joint]
    return moved


def _nearest(joints: np.ndarray, lengths: np.ndarray, skeleton: Skeleton, excess: float) -> np.ndarray:
    """Joints whose bones have nearly the given lengths, by damped Gauss-Newton steps.

    The covariance of a joint is C = I + ``excess`` r r^T, where r is the direction of its ray. J is the derivative of
    the bone lengths: the direction of a bone at its child, the opposite at its parent. A step solves the normal
    equations (J C J^T + softness I) m = e, where e are the errors of the lengths, and moves the joints half of the way
    to ``joints - C J^T m``.
    """
    parents, children = np.array(skeleton.bones).reshape(-1, 2).T
    identity = np.eye(skeleton.num_joints)
    ends = identity[children] - identity[parents]  # (bones, K)
    rays = joints / np.maximum(np.linalg.norm(joints, axis=-1, keepdims=True), np.finfo(float).tiny)
    moved = joints
    for _ in range(_STEPS):
        bones = ends @ moved
        current = np.linalg.norm(bones, axis=-1)
        bones /= np.maximum(current, np.finfo(float).tiny)[..., None]
        along = ends * (bones @ np.swapaxes(rays, 1, 2))  # (T, bones, K): J times the rays
        normal = (bones @ np.swapaxes(bones, 1, 2)) * (ends @ ends.T) + excess * (along @ np.swapaxes(along, 1, 2))
        normal += _SOFTNESS * np.eye(len(lengths))
        missing = current - lengths + np.einsum('tbi,tbi->tb', bones, ends @ (joints - moved))
        multipliers = np.linalg.solve(normal, missing[..., None])
        step = ends.T @ (multipliers * bones)
        step += excess * np.einsum('tki,tki->tk', rays, step)[..., None] * rays
        moved = moved + _DAMPING * (joints - step - moved)
    return moved
