"""Poses whose bones keep their length, as animation formats need, and the joint rotations that make them.

Shape key: T frames, K joints.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from depth_refine.functional.bone_lengths import bone_vectors, median_lengths, unit_vectors
from depth_refine.structures.skeleton import Skeleton

# Angles jump where the middle one of their order comes near 90 degrees. One of each middle axis.
_ORDERS = ('ZXY', 'XZY', 'XYZ')
_TINY = 1e-9


class Node(NamedTuple):
    """A point of the body that turns everything below it."""

    name: str
    parent: str | None  # name of the node that carries it
    offset: np.ndarray  # (3,) metres from its parent when nothing is turned
    end: np.ndarray | None  # (3,) metres from it to the tip of a bone on which no node stands
    order: str  # of its angles: the axes of intrinsic turns
    rotation: Rotation  # (T) relative to its parent's


def joint_nodes(joints: np.ndarray, skeleton: Skeleton) -> list[Node]:
    """Rotations whose forward kinematics gives the poses with each bone at its median length, in its own direction.

    Left and right bones have one length. There is a node for each joint at which a bone starts, named after it. It
    turns from its mean turn over time, carried along by its parent: by the best fit (Kabsch) of the bones that start
    there if they are several, the shortest way if it is one, since positions of joints do not tell how a limb is
    twisted about its length. Bones that fork keep their angles to each other, the mean ones; only there forward
    kinematics differs from the poses. When nothing is turned, the person stands upright and faces +z.

    Args:
        joints: (T, K, 3) metres, root at the origin, y up.
        skeleton: of the K joints.

    Returns:
        Depth first, the root's first. A joint without bones is the end of the one bone that starts at its parent; below
        a fork it is a node that never turns, with its end in place.

    Raises:
        InputError: there is no frame, the joints are not the skeleton's, a coordinate is not finite, or a bone has no
            length in a frame and hence no direction.
    """
    bones = unit_vectors(bone_vectors(joints, skeleton), skeleton) * median_lengths(joints, skeleton)[:, None]
    names = ['_'.join(name.split()) for name in skeleton.joint_names]  # a space ends a name in files
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
    """Rotations about the common perpendicular that turn the unit vector ``rest`` (3,) to ``direction`` (T, 3)."""
    # Half-angle form of a quaternion: (rest x d, 1 + rest . d), normalised by Rotation; x, y, z, w.
    real = 1 + direction @ rest
    axis = np.cross(rest, direction)
    opposite = real < 1e-12  # any perpendicular will do
    axis[opposite] = np.cross(np.eye(3)[np.abs(rest).argmax() - 1], rest)
    return Rotation.from_quat(np.column_stack([axis, real]))


def _rest_and_turns(bones: np.ndarray, facing: Rotation | None) -> tuple[np.ndarray, Rotation]:
    """Bones that start at one joint when nothing is turned, and the turns (T) from there.

    Args:
        bones: (T, n, 3) metres, the length of each the same in all frames.
        facing: turn of the first frame's bones to those at rest; None for the mean turn over time.

    Returns:
        (n, 3) metres, and rotations.
    """
    first = bones[0]
    turns = _turns(first, bones)
    shape = np.einsum('tji,tnj->ni', turns.as_matrix(), bones) / len(bones)  # free of the turns
    size, length = (np.linalg.norm(each, axis=-1, keepdims=True) for each in (shape, first))
    shape = np.where(size > _TINY, shape * length / np.maximum(size, _TINY), first)
    rest = (turns.mean() if facing is None else facing).apply(shape)
    return rest, _turns(rest, bones)


def _turns(rest: np.ndarray, bones: np.ndarray) -> Rotation:
    """Rotations (T) that turn bones ``rest`` (n, 3) to ``bones`` (T, n, 3) as well as a rotation can."""
    if len(rest) == 1:
        length = np.linalg.norm(rest)
        return shortest_turn(rest[0] / length, bones[:, 0] / length)
    # The axes, which hardly count, keep bones on one line from turning about it.
    weights = [1.0] * len(rest) + [_TINY] * 3
    before = np.vstack([rest, np.eye(3)])
    fits = [Rotation.align_vectors(np.vstack([after, np.eye(3)]), before, weights)[0] for after in bones]
    return Rotation.concatenate(fits)


def _facing(joints: np.ndarray, skeleton: Skeleton, turns: Rotation) -> Rotation:
    """The turn of the root's first bones after which the person, on average over time, is upright and faces +z.

    Args:
        joints: (T, K, 3) metres, y up.
        skeleton: its sides tell left, +x, from right; without any, the heading of the first frame stays.
        turns: (T) of the root from the first frame.
    """
    signs = [{'left': 1, 'right': -1}.get(side, 0) for side in skeleton.sides]
    up = turns.inv().apply([0, 1, 0]).mean(axis=0)
    up /= max(np.linalg.norm(up), _TINY)
    left = turns.inv().apply(np.einsum('k,tki->ti', signs, joints)).mean(axis=0)
    left -= (left @ up) * up
    left /= max(np.linalg.norm(left), _TINY)
    return _turns(np.stack([left, up]), np.eye(3)[None, :2])[0]


def _best_order(turns: Rotation) -> str:
    """Of the orders of axes the one whose middle angle stays furthest from 90 degrees."""
    matrices = np.abs(turns.as_matrix()).max(axis=0)
    return min(_ORDERS, key=lambda order: matrices['XYZ'.index(order[0]), 'XYZ'.index(order[2])])  # its sine
