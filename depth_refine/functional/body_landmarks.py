"""Hips, knees, ankles and shoulders of any skeleton."""

from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.errors import InputError


def body_landmarks(skeleton: Skeleton) -> dict[str, tuple[int, int]]:
    """Indices of the left and right ``hip``, ``knee``, ``ankle`` and ``shoulder``.

    Hips, knees and shoulders are found by these words in the names of joints. An ankle is the other joint that a knee
    is linked to, besides its hip; its name does not count, since Human3.6M calls ankles feet.

    Raises:
        InputError: one of them is not in the skeleton, or is there several times.

    Example:
        >>> from depth_refine.functional.body_landmarks import body_landmarks
        >>> from depth_refine.structures.skeleton import H36M
        >>> left, right = body_landmarks(H36M)['ankle']
        >>> H36M.joint_names[left], H36M.joint_names[right]
        ('left_foot', 'right_foot')
    """
    found = {
        word: tuple(_one(skeleton, word, side) for side in ('left', 'right')) for word in ('hip', 'knee', 'shoulder')
    }
    found['ankle'] = tuple(_below(skeleton, *leg) for leg in zip(found['hip'], found['knee'], strict=True))
    return found


def _one(skeleton: Skeleton, word: str, side: str) -> int:
    names = skeleton.joint_names
    joints = [joint for joint, name in enumerate(names) if word in name.lower() and skeleton.sides[joint] == side]
    if len(joints) != 1:
        raise InputError(
            f"the skeleton does not tell which joint is the {side} {word}: expected one with '{word}' in its name, "
            f'found {[names[joint] for joint in joints]} among {list(names)}'
        )
    return joints[0]


def _below(skeleton: Skeleton, hip: int, knee: int) -> int:
    bones = [set(bone) for bone in skeleton.bones]
    others = [joint for joint in range(skeleton.num_joints) if {joint, knee} in bones and joint != hip]
    if {hip, knee} not in bones or len(others) != 1:
        names = skeleton.joint_names
        raise InputError(
            f'the skeleton does not tell which joint is the ankle: expected bones from {names[knee]!r} to '
            f'{names[hip]!r} and to one other joint, found others to {[names[joint] for joint in others]}'
        )
    return others[0]
