"""Joint rotations of a skeleton with fixed bones, which animation formats need.

Shape key: T frames, K joints.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from depth_refine.functional.bone_lengths import bone_vectors, median_lengths, unit_vectors
from depth_refine.structures.skeleton import Skeleton

# Euler angles jump where the middle one comes near 90 degrees. Each order has another middle axis.
_ORDERS = ('ZXY', 'XZY', 'XYZ')
_TINY = 1e-9


class Node(NamedTuple):
    """A node of the skeleton, which rotates everything below it."""

    name: str
    parent: str | None  # name of the node above it
    offset: np.ndarray  # (3,) metres from its parent in the rest pose
    end: np.ndarray | None  # (3,) metres from it to the end of its bone, if there is no node
    order: str  # axes of the intrinsic rotations that its Euler angles stand for
    rotation: Rotation  # (T) relative to its parent's


def joint_nodes(joints: np.ndarray, skeleton: Skeleton) -> list[Node]:
    """Nodes whose forward kinematics gives the poses, with each bone at its median length and in its own direction.

    Left and right bones have the same length. Each joint at which a bone starts has a node with its name. The rest pose
    is the mean over time of the bones relative to their parent, with the person upright and facing +z. If several bones
    start at a joint, its rotation is their best fit (Kabsch algorithm), and they keep their mean angles to each other;
    only there does forward kinematics differ from the poses. If one bone does, its rotation is the shortest one, since
    joint positions do not show how a limb is twisted about its axis.

    Args:
        joints: (T, K, 3) metres, root at the origin, y up.
        skeleton: of the K joints.

    Returns:
        The nodes, depth first, from the root. A joint at which no bone starts is the end of its parent's node; if
        several bones start at its parent, it is a node that never rotates, with its end at its own place.

    Raises:
        InputError: there is no frame, the joints are not the skeleton's, a coordinate is not finite, or a bone has no
            length in a frame and hence no direction.
    """
    bones = unit_vectors(bone_vectors(joints, skeleton), skeleton) * median_lengths(joints, skeleton)[:, None]
    names = ['_'.join(name.split()) for name in skeleton.joint_names]  # a space would end a name in the file
    nodes: list[Node] = []

    def add(joint: int, parent: str | None, offset: np.ndarray, carrier: Rotation) -> None:
        starting = [child for child in skeleton.from_root if skeleton.parents[child] == joint]
        if not starting:
            nodes.append(Node(names[joint], parent, offset, np.zeros(3), _ORDERS[0], Rotation.identity(len(bones))))
            return
        local = np.einsum('tji,tnj->tni', carrier.as_matrix(), bones[:, starting])
        facing = _facing(joints, skeleton, _turns(local[0], local)) if parent is None else None
        rest, turns = _rest_and_turns(local, facing)
        is_last = len(starting) == 1 and starting[0] not in skeleton.parents
        nodes.append(Node(names[joint], parent, offset, rest[0] if is_last else None, _best_order(turns), turns))
        for child, bone in zip(starting, rest, strict=True) if not is_last else ():
            add(child, names[joint], bone, carrier * turns)

    add(skeleton.root, None, np.zeros(3), Rotation.identity(len(bones)))
    return nodes


def shortest_turn(rest: np.ndarray, direction: np.ndarray) -> Rotation:
    """The shortest rotations (T) of the unit vector ``rest`` (3,) to the unit vectors ``direction`` (T, 3)."""
    # half-angle form of a quaternion: (rest x d, 1 + rest . d), normalised by Rotation; x, y, z, w
    real = 1 + direction @ rest
    axis = np.cross(rest, direction)
    opposite = real < 1e-12  # then any perpendicular axis will do
    axis[opposite] = np.cross(np.eye(3)[np.abs(rest).argmax() - 1], rest)
    return Rotation.from_quat(np.column_stack([axis, real]))


def _rest_and_turns(bones: np.ndarray, facing: Rotation | None) -> tuple[np.ndarray, Rotation]:
    """The bones of one joint in the rest pose, and their rotations from there.

    Args:
        bones: (T, n, 3) metres, each of the same length in all frames.
        facing: rotation of the first frame's bones to the rest pose; None for the mean rotation over time.

    Returns:
        Bones (n, 3), metres, and rotations (T).
    """
    first = bones[0]
    turns = _turns(first, bones)
    shape = np.einsum('tji,tnj->ni', turns.as_matrix(), bones) / len(bones)  # the mean without the rotations
    size, length = (np.linalg.norm(each, axis=-1, keepdims=True) for each in (shape, first))
    shape = np.where(size > _TINY, shape * length / np.maximum(size, _TINY), first)
    rest = (turns.mean() if facing is None else facing).apply(shape)
    return rest, _turns(rest, bones)


def _turns(rest: np.ndarray, bones: np.ndarray) -> Rotation:
    """The rotations (T) that fit bones ``rest`` (n, 3) best to ``bones`` (T, n, 3)."""
    if len(rest) == 1:
        length = np.linalg.norm(rest)
        return shortest_turn(rest[0] / length, bones[:, 0] / length)
    # The axes, of tiny weight, keep bones on one line from rotating about it.
    weights = [1.0] * len(rest) + [_TINY] * 3
    before = np.vstack([rest, np.eye(3)])
    fits = [Rotation.align_vectors(np.vstack([after, np.eye(3)]), before, weights)[0] for after in bones]
    return Rotation.concatenate(fits)


def _facing(joints: np.ndarray, skeleton: Skeleton, turns: Rotation) -> Rotation:
    """The rotation of the root's first bones after which the person, on average over time, is upright and faces +z.

    Args:
        joints: (T, K, 3) metres, y up.
        skeleton: its left joints define +x; if it has no sides, the heading of the first frame stays.
        turns: (T) rotations of the root from the first frame.
    """
    signs = [{'left': 1, 'right': -1}.get(side, 0) for side in skeleton.sides]
    up = turns.inv().apply([0, 1, 0]).mean(axis=0)
    up /= max(np.linalg.norm(up), _TINY)
    left = turns.inv().apply(np.einsum('k,tki->ti', signs, joints)).mean(axis=0)
    left -= (left @ up) * up
    left /= max(np.linalg.norm(left), _TINY)
    return _turns(np.stack([left, up]), np.eye(3)[None, :2])[0]


def _best_order(turns: Rotation) -> str:
    """The order of axes whose middle angle stays furthest from 90 degrees."""
    matrices = np.abs(turns.as_matrix()).max(axis=0)
    return min(_ORDERS, key=lambda order: matrices['XYZ'.index(order[0]), 'XYZ'.index(order[2])])  # its sine
