"""BVH, the motion capture format that Blender and most animation programs import."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from depth_refine.export.fixed_skeleton import SkeletonMotion, skeleton_motion
from depth_refine.functional.camera import camera_to_world
from depth_refine.structures.skeleton import JOINT_NAMES, PARENTS
from depth_refine.structures.video_poses import PoseTrack
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

_FROM_CAMERA = np.diag([1.0, -1.0, -1.0])  # x right, y down, z forward to x right, y up, z backward
_FROM_WORLD = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # z up to y up


# Nodes of the file, depth first: parent, and the joint at the end of the bone that the node turns. A node lies where
# its bone starts, Hips and Chest at that joint. Nodes at one place, as Hips and LowerBack, turn independently.
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
_ENDS = {name: JOINT_NAMES.index(end) for name, (_, end) in _NODES.items()}
_PLACES = {name: end if name in ('Hips', 'Chest') else PARENTS[end] for name, end in _ENDS.items()}
# Angles jump near the poles of their order. Those of ZXY are where a leg points forward or back, as when sitting; those
# of XZY are where it points sideways, and where an arm hangs.
_ORDERS = {name: 'XZY' if name.endswith('Leg') else 'ZXY' for name in _NODES}


def write_bvh(track: PoseTrack, path: str | Path, fps: float, camera: dict | None = None) -> None:
    """Write the refined poses of a person as joint rotations of a skeleton of fixed bones.

    The bones are those of :func:`depth_refine.export.fixed_skeleton.skeleton_motion`. Lengths are metres, which
    Blender's importer takes as they are (its scale is 1 by default), angles degrees in the order Z, X, Y, for the legs
    X, Z, Y. The y axis points up and at rest the person stands with the arms out, facing +z. BVH has one frame rate and
    no gaps: frames of uneven times are written as if they were even.

    Args:
        track: the person. Without ``root`` the hips stay at the origin.
        path: the file.
        fps: frames a second.
        camera: with ``R`` and ``T``, the motion is in its world frame, which must have z up; x stays, world z becomes
            y. Otherwise it is in the camera frame turned about x, whose y is up only as far as the camera is level: x
            right, y up, z towards the viewer, the camera at the origin.

    Raises:
        InputError: a pose has no rotations, see :func:`depth_refine.export.fixed_skeleton.skeleton_motion`, a root is
            not finite, or ``fps`` is not positive.
    """
    if not 0 < fps < np.inf:
        raise InputError(f'expected a frame rate above 0, got {fps}')
    joints = np.asarray(track.keypoints_3d, np.float64)
    root = np.zeros((len(joints), 3)) if track.root is None else np.asarray(track.root, np.float64)
    if not np.isfinite(root).all():
        frame = np.argwhere(~np.isfinite(root))[0, 0]
        raise InputError(f'person {track.track_id}: the root is not finite in frame {frame}')
    axes = _FROM_CAMERA
    if camera is not None and 'R' in camera and 'T' in camera:
        axes = _FROM_WORLD @ camera['R']
        root = root if track.root is None else camera_to_world(root, camera) @ np.asarray(camera['R'])
    motion = skeleton_motion(joints @ axes.T)
    channels = np.hstack([root @ axes.T, *_angles(motion)])
    with whole_file(path) as partial, partial.open('w') as file:
        file.write('HIERARCHY\n' + '\n'.join(_hierarchy('Hips', motion.offsets)))
        file.write(f'\nMOTION\nFrames: {len(channels)}\nFrame Time: {1 / fps:.9f}\n')
        np.savetxt(file, channels, fmt='%.6f')


def _angles(motion: SkeletonMotion) -> list[np.ndarray]:
    """(T, 3) degrees of each node relative to its parent."""
    turned = {name: motion.bones[end] for name, end in _ENDS.items()} | {'Chest': motion.chest}
    relative = {
        name: turned[parent].inv() * turned[name] if parent else turned[name] for name, (parent, _) in _NODES.items()
    }
    return [_continuous_angles(rotation, _ORDERS[name]) for name, rotation in relative.items()]


def _continuous_angles(rotation: Rotation, order: str) -> np.ndarray:
    """(T, 3) degrees; of the two triples that make a rotation, the one nearer to the frame before."""
    first = rotation.as_euler(order, degrees=True)
    second = np.stack([first[:, 0] + 180, 180 - first[:, 1], first[:, 2] + 180], axis=-1)
    angles = np.empty_like(first)
    previous = np.zeros(3)
    for t, triples in enumerate(np.stack([first, second], axis=1)):
        triples = triples - 360 * np.round((triples - previous) / 360)
        previous = angles[t] = triples[np.abs(triples - previous).sum(axis=-1).argmin()]
    return angles


def _hierarchy(name: str, offsets: np.ndarray, depth: int = 0) -> list[str]:
    """Lines of a node and of everything below it."""
    parent, _ = _NODES[name]
    place = _PLACES[name]
    moved = parent is not None and _PLACES[parent] != place
    lines = [
        f'{"JOINT" if parent else "ROOT"} {name}',
        '{',
        f'  OFFSET {_numbers(offsets[place] if moved else np.zeros(3))}',
        f'  CHANNELS {"3" if parent else "6 Xposition Yposition Zposition"} '
        + ' '.join(f'{axis}rotation' for axis in _ORDERS[name]),
    ]
    children = [child for child, (above, _) in _NODES.items() if above == name]
    if not children:
        lines += ['  End Site', '  {', f'    OFFSET {_numbers(offsets[_ENDS[name]])}', '  }']
    below = [line for child in children for line in _hierarchy(child, offsets, depth + 1)]
    return ['  ' * depth + line for line in lines] + below + ['  ' * depth + '}']


def _numbers(values: np.ndarray) -> str:
    return ' '.join(f'{value:.6f}' for value in values)
