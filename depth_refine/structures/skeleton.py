"""The joints of a body and their links, from MMPose's dataset metainfo."""

import functools
import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import mmpose
import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from depth_refine.utils.errors import InputError

_MMPOSE_FOLDER = 'configs/_base_/datasets'
_SIDE = re.compile(r'(?:^|_)(left|right|l|r)(?:_|$)|^([LR])(?=[A-Z])')


@dataclass(frozen=True)
class Skeleton:
    """K joints as a tree with their mirror images.

    Attributes:
        joint_names: K names, all different.
        parents: K joint indices, each one step closer to the root; -1 for the root.
        flip_indices: K symmetric counterparts; a joint without one has its own index.

    Raises:
        InputError: the tuples differ in length, a name occurs twice, there is not exactly one root, a joint is not
            connected to the root, or left and right joints do not name each other.

    Example:
        >>> import numpy as np
        >>> from depth_refine.structures import Skeleton
        >>> arm = Skeleton(('shoulder', 'elbow', 'wrist'), parents=(-1, 0, 1), flip_indices=(0, 1, 2))
        >>> arm.bones, arm.bone_lengths(np.array([[0, 0, 0], [0, 0.3, 0], [0, 0.3, 0.25]])).tolist()
        (((0, 1), (1, 2)), [0.3, 0.25])
    """

    joint_names: tuple[str, ...]
    parents: tuple[int, ...]
    flip_indices: tuple[int, ...]

    def __post_init__(self) -> None:
        names, count = self.joint_names, len(self.joint_names)
        if not count == len(self.parents) == len(self.flip_indices) or count == 0:
            raise InputError(
                f'a skeleton needs a parent and a flip index for each joint, got {count} names, {len(self.parents)} '
                f'parents and {len(self.flip_indices)} flip indices'
            )
        _require_different(names)
        if (roots := self.parents.count(-1)) != 1:
            raise InputError(
                f'a skeleton has one root, the joint with the parent -1; parents {self.parents} has {roots}'
            )
        if not all(-1 <= parent < count for parent in self.parents):
            raise InputError(f'parents of {count} joints lie between -1 and {count - 1}, got {self.parents}')
        for joint in range(count):
            above = joint
            for _ in range(count):
                above = self.parents[above] if above >= 0 else above
            if above >= 0:
                raise InputError(f'the parents of the joint {names[joint]!r} form a cycle: {self.parents}')
        for joint, twin in enumerate(self.flip_indices):
            if not 0 <= twin < count or self.flip_indices[twin] != joint:
                other = names[twin] if 0 <= twin < count else twin
                back = names[self.flip_indices[twin]] if 0 <= twin < count else 'no joint'
                raise InputError(
                    f'left and right do not match: {names[joint]!r} is mirrored to {other!r}, and that to {back!r}. '
                    "Let each name the other, as swap in the metainfo's keypoint_info"
                )

    @classmethod
    def from_metainfo(cls, metainfo: dict, root: str | int | None = None) -> 'Skeleton':
        """The skeleton that MMPose's metainfo describes.

        Args:
            metainfo: as in a data set's config, raw, ``dict(from_file=...)`` or parsed; names and pairs are those of
                ``keypoint_info``, bones the links of ``skeleton_info``. Parents are found by walking from the root.
            root: name or index of the root. By default the ``root_index`` that our data sets add to their metainfo.

        Raises:
            InputError: there is no such root, links form a cycle, a joint is not linked to the root; see also the
                class.

        Example:
            >>> from depth_refine.structures import Skeleton
            >>> h36m = dict(from_file='configs/_base_/datasets/h36m.py')  # a file of MMPose, or a path
            >>> skeleton = Skeleton.from_metainfo(h36m, root='root')
            >>> skeleton.num_joints, skeleton.joint_names[skeleton.parents[3]]
            (17, 'right_knee')
        """
        parsed = parse_metainfo(metainfo)
        count = parsed['num_keypoints']
        names = tuple(parsed['keypoint_id2name'][joint] for joint in range(count))
        _require_different(names)
        root = parsed.get('root_index') if root is None else root
        if isinstance(root, str) and root in names:
            root = names.index(root)
        root = int(root) if isinstance(root, np.integer) else root
        if not isinstance(root, int) or isinstance(root, bool) or not 0 <= root < count:
            got = 'none' if root is None else repr(root)
            raise InputError(
                f'the skeleton {parsed["dataset_name"]!r} needs a root: expected the name or index of one of its '
                f'{count} joints {list(names)}, got {got}. Name it with root=... in the data set'
            )
        neighbours: list[list[int]] = [[] for _ in names]
        for one, other in {tuple(sorted(link)) for link in parsed['skeleton_links']}:
            neighbours[one].append(other)
            neighbours[other].append(one)
        parents, queue = {root: -1}, deque([root])
        while queue:
            joint = queue.popleft()
            for other in sorted(neighbours[joint]):
                if other not in parents:
                    parents[other] = joint
                    queue.append(other)
                elif other != parents[joint]:
                    raise InputError(
                        f'the skeleton {parsed["dataset_name"]!r} is no tree: the link between {names[joint]!r} and '
                        f'{names[other]!r} closes a cycle. Remove a link from its skeleton_info'
                    )
        if len(parents) < count:
            loose = next(name for joint, name in enumerate(names) if joint not in parents)
            raise InputError(
                f'the skeleton {parsed["dataset_name"]!r} falls apart: {loose!r} is not linked to the root '
                f'{names[root]!r}. Add the link to its skeleton_info'
            )
        return cls(names, tuple(parents[joint] for joint in range(count)), tuple(parsed['flip_indices']))

    @property
    def num_joints(self) -> int:
        """K, how many joints a pose has."""
        return len(self.joint_names)

    @property
    def root(self) -> int:
        """The joint that positions are relative to."""
        return self.parents.index(-1)

    @property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """K - 1 pairs of parent and child, in the order of the children."""
        return tuple((parent, joint) for joint, parent in enumerate(self.parents) if parent >= 0)

    @functools.cached_property
    def from_root(self) -> tuple[int, ...]:
        """All joints, each after its parent."""
        order = [self.root]
        for joint in order:  # grows while it is walked
            order += [child for child, parent in enumerate(self.parents) if parent == joint]
        return tuple(order)

    @functools.cached_property
    def sides(self) -> tuple[str, ...]:
        """Side of each joint: ``'left'``, ``'right'``, or ``'trunk'`` for joints without a counterpart.

        Names such as ``left_knee``, ``LKnee`` and ``knee_r`` tell the side. Where no name of a pair does, the first is
        the left one.
        """
        sides = ['trunk'] * self.num_joints
        for joint, twin in enumerate(self.flip_indices):
            if joint < twin:
                said = [_side(self.joint_names[each]) for each in (joint, twin)]
                is_right = said[0] == 'right' or (said[0] is None and said[1] == 'left')
                sides[joint], sides[twin] = ('right', 'left') if is_right else ('left', 'right')
        return tuple(sides)

    def bone_lengths(self, joints: np.ndarray) -> np.ndarray:
        """Length of each bone.

        Args:
            joints: (..., K, 3) positions in any frame, metres.

        Returns:
            (..., K - 1) metres, in the order of :attr:`bones`.
        """
        parents, children = np.array(self.bones, int).reshape(-1, 2).T
        return np.linalg.norm(joints[..., children, :] - joints[..., parents, :], axis=-1)


def parse_metainfo(metainfo: dict) -> dict:
    """MMPose's metainfo in its parsed form, in the order of the joints' numbers.

    MMPose takes joints in the order of ``keypoint_info``. In the configs that MMEngine dumps, that order is 0, 1, 10,
    2, with which mirror images would be wrong.

    Raises:
        InputError: it is incomplete, its file is missing, its joints are not numbered from 0, or a pair or link names a
            joint that is not there.
    """
    if 'keypoint_id2name' in metainfo:
        return metainfo
    path = Path(metainfo.get('from_file', ''))
    if path.parent.as_posix() == _MMPOSE_FOLDER and not path.is_file():  # MMPose's own, which is in its package
        metainfo = dict(from_file=str(Path(mmpose.__file__).with_name('.mim') / path))
    try:
        parsed = parse_pose_metainfo(metainfo)
    except FileNotFoundError as error:
        raise InputError(f'metainfo: {error}') from error
    except KeyError as error:
        raise InputError(f'metainfo: a swap, a link or a key names {error}, which is not there') from error
    except (ValueError, TypeError, AttributeError, SyntaxError) as error:
        where = metainfo.get('from_file', 'metainfo') if isinstance(metainfo, dict) else 'metainfo'
        raise InputError(
            f"{where} is not of the form of MMPose's dataset_info, with dicts keypoint_info and skeleton_info and "
            f'links of two names: {error!r}'
        ) from error
    except AssertionError as error:
        needed = ('dataset_name', 'keypoint_info', 'skeleton_info', 'joint_weights', 'sigmas')
        raise InputError(f'metainfo: expected the keys {needed} or from_file, got {sorted(metainfo)}') from error
    if odd := [link for link in parsed['skeleton_links'] if len(link) != 2]:
        raise InputError(f'metainfo: expected links of two names in skeleton_info, got one of the joints {odd[0]}')
    names = parsed['keypoint_id2name']
    if names.keys() != set(range(len(names))):
        raise InputError(
            f'metainfo: expected the numbers 0 to {len(names) - 1} as keys of the {len(names)} joints of '
            f'keypoint_info, got {list(names)}'
        )
    order = list(np.argsort(list(names)))
    parsed['keypoint_id2name'] = {joint: names[joint] for joint in range(len(names))}
    parsed['flip_indices'] = [parsed['flip_indices'][place] for place in order]
    parsed['keypoint_colors'] = parsed['keypoint_colors'][order]
    return parsed


def _require_different(names: tuple[str, ...]) -> None:
    if repeated := {name for name in names if names.count(name) > 1}:
        raise InputError(f'a skeleton has several joints of the name {min(repeated)!r}: give each its own')


def _side(name: str) -> str | None:
    match = _SIDE.search(name)
    return match and {'l': 'left', 'r': 'right'}[(match[1] or match[2])[0].lower()]


# Human3.6M's 17 joints in MMPose's order.
H36M = Skeleton(
    joint_names=(
        *('root', 'right_hip', 'right_knee', 'right_foot', 'left_hip', 'left_knee', 'left_foot'),
        *('spine', 'thorax', 'neck_base', 'head'),
        *('left_shoulder', 'left_elbow', 'left_wrist', 'right_shoulder', 'right_elbow', 'right_wrist'),
    ),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    flip_indices=(0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13),
)
