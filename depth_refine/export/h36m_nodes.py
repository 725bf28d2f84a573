"""The nodes of Human3.6M's skeleton, in the conventions of animation programs.

They know more than those of other skeletons (:func:`depth_refine.export.fixed_skeleton.joint_nodes`). They have the
programs' names, a rest pose with the arms out, hips on one line through the root, and a chest that rotates with the
line of the shoulders. Bones that start at the same joint have nodes of their own, so that no joint is off.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from depth_refine.functional.bone_lengths import bone_vectors, median_lengths, unit_vectors
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

from .fixed_skeleton import Node, shortest_turn

_NAMES = H36M.joint_names
_HIPS = (_NAMES.index('right_hip'), _NAMES.index('left_hip'))
_SHOULDERS = (_NAMES.index('right_shoulder'), _NAMES.index('left_shoulder'))
_SPINE, _THORAX = _NAMES.index('spine'), _NAMES.index('thorax')

# Direction, in the rest pose, of the bone that ends at a joint: arms out to the sides, legs down; x to the person's
# left, y up, z forward.
_UP, _DOWN, _LEFT, _RIGHT = (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0)
_REST_DIRECTIONS = np.array(
    [(0, 0, 0), _RIGHT, _DOWN, _DOWN, _LEFT, _DOWN, _DOWN, _UP, _UP, _UP, _UP, *[_LEFT] * 3, *[_RIGHT] * 3], float
)

# Nodes, depth first: parent, and the joint at the end of the bone that the node rotates. A node lies where its bone
# starts, Hips and Chest at that joint. Nodes at the same place, such as Hips and LowerBack, rotate independently.
_NODES = {
    'Hips': (None, 'root'),
    'LowerBack': ('Hips', 'spine'),
    'Spine': ('LowerBack', 'thorax'),
    'Chest': ('Spine', 'thorax'),
    'Neck': ('Chest', 'neck_base'),
    'Head': ('Neck', 'head'),
    'LeftCollar': ('Chest', 'left_shoulder'),
    'LeftArm': ('LeftCollar', 'left_elbow'),
    'LeftForeArm': ('LeftArm', 'left_wrist'),
    'RightCollar': ('Chest', 'right_shoulder'),
    'RightArm': ('RightCollar', 'right_elbow'),
    'RightForeArm': ('RightArm', 'right_wrist'),
    'RightUpLeg': ('Hips', 'right_knee'),
    'RightLeg': ('RightUpLeg', 'right_foot'),
    'LeftUpLeg': ('Hips', 'left_knee'),
    'LeftLeg': ('LeftUpLeg', 'left_foot'),
}
_ENDS = {name: _NAMES.index(end) for name, (_, end) in _NODES.items()}
_PLACES = {name: end if name in ('Hips', 'Chest') else H36M.parents[end] for name, end in _ENDS.items()}
# Euler angles jump near the poles of their order. Those of ZXY are where a leg points forwards or backwards, as when
# sitting; those of XZY are where a leg points sideways, and where an arm hangs.
_ORDERS = {name: 'XZY' if name.endswith('Leg') else 'ZXY' for name in _NODES}


def h36m_nodes(joints: np.ndarray) -> list[Node]:
    """Nodes whose forward kinematics gives the poses, with each bone at its median length and in its own direction.

    Left and right bones have the same length. The hips lie on both sides of the root on the line between the observed
    hips, as Human3.6M's do. Joints are placed from the root outwards.

    The pelvis rotates with the line of the hips and the spine joint, the chest with the line of the shoulders and the
    spine. The rotation of every other bone, relative to its parent's, is the shortest one from its direction in the
    rest pose, since joint positions do not show how a limb is twisted about its axis.

    Args:
        joints: (T, 17, 3) metres, root at the origin, y up; x is to the left of a person who faces +z.

    Raises:
        InputError: see :func:`depth_refine.export.fixed_skeleton.joint_nodes`; or hips or shoulders are in line with
            the spine.
    """
    vectors = bone_vectors(joints, H36M)
    lengths = median_lengths(joints, H36M)
    right, left = _HIPS
    vectors[:, left] = joints[:, left] - joints[:, right]
    vectors[:, right] = -vectors[:, left]
    directions = unit_vectors(vectors, H36M)
    pelvis = _upright_frame(directions[:, left], directions[:, _SPINE], 'hips')
    chest = _upright_frame(joints[:, _SHOULDERS[1]] - joints[:, _SHOULDERS[0]], directions[:, _THORAX], 'shoulders')
    bones = [pelvis]  # rotation of each joint's bone, in the order of the joints; parents come first
    for parent, joint in H36M.bones:
        carrier = chest if parent == _THORAX else bones[parent]
        turn = shortest_turn(_REST_DIRECTIONS[joint], carrier.inv().apply(directions[:, joint]))
        bones.append(pelvis if joint in _HIPS else carrier * turn)
    turned = {name: bones[end] for name, end in _ENDS.items()} | {'Chest': chest}
    offsets = _REST_DIRECTIONS * lengths[:, None]
    carriers = {parent for parent, _ in _NODES.values()}
    nodes = []
    for name, (parent, _) in _NODES.items():
        rotation = turned[parent].inv() * turned[name] if parent else turned[name]
        moved = parent is not None and _PLACES[parent] != _PLACES[name]
        offset = offsets[_PLACES[name]] if moved else np.zeros(3)
        end = None if name in carriers else offsets[_ENDS[name]]
        nodes.append(Node(name, parent, offset, end, _ORDERS[name], rotation))
    return nodes


def _upright_frame(left: np.ndarray, up: np.ndarray, name: str) -> Rotation:
    """Rotations (T) of x to ``left`` (T, 3) exactly, and of y towards ``up`` (T, 3) as far as possible."""
    forward = np.cross(left, up)
    axes = [left, np.cross(forward, left), forward]
    lengths = np.linalg.norm(axes, axis=-1)
    if not np.all(lengths > 0):
        frame = np.argwhere(~np.all(lengths > 0, axis=0))[0, 0]
        raise InputError(f'the {name} are in line with the spine in frame {frame}: the body has no front')
    return Rotation.from_matrix(np.stack(np.array(axes) / lengths[..., None], axis=-1))
