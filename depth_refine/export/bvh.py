"""BVH, the motion capture format that Blender and most animation programs import."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from depth_refine.functional.bone_lengths import checked_poses
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.structures.video_poses import PoseTrack
from depth_refine.utils.atomic import whole_file

from .even_times import at_even_times
from .fixed_skeleton import Node, joint_nodes
from .h36m_nodes import h36m_nodes
from .y_up import y_up


def write_bvh(
    track: PoseTrack, skeleton: Skeleton, path: str | Path, times: np.ndarray, camera: dict | None = None
) -> None:
    """Write the refined poses of a person as joint rotations of a skeleton with fixed bones.

    Human3.6M's skeleton has the nodes of :func:`depth_refine.export.h36m_nodes.h36m_nodes`, any other those of
    :func:`depth_refine.export.fixed_skeleton.joint_nodes`. Lengths are metres, which Blender's importer expects (its
    scale is 1 by default). Angles are degrees, in the order of each node's channels. The y axis points up; in the rest
    pose the person stands and faces +z. BVH has one frame rate and no gaps: poses are interpolated to even times, see
    :func:`depth_refine.export.even_times.at_even_times`; frames of even times stay as they are. The file begins at the
    person's first frame, wherever that is in the video.

    Args:
        track: the person. Without ``root`` the root stays at the origin.
        skeleton: of its joints.
        path: the file.
        times: (N,) seconds of every frame of the video, ascending.
        camera: see :func:`depth_refine.export.y_up.y_up`.

    Raises:
        InputError: a pose has no rotations, see the functions of the nodes; a root is not finite; or times do not
            ascend or are fewer than frames.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from depth_refine.export import write_bvh
        >>> from depth_refine.structures import H36M, PoseTrack
        >>> frames, joints = np.arange(50), np.random.default_rng(0).normal(size=(50, 17, 3))
        >>> boxes, scores, pixels = np.ones((50, 4)), np.ones((50, 17)), np.ones((50, 17, 2))
        >>> person = PoseTrack(0, frames, boxes, scores, pixels, None, None, None, joints, frames < 0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_bvh(person, H36M, f'{folder}/person.bvh', times=frames / 25)
        ...     [line for line in Path(folder, 'person.bvh').read_text().splitlines() if line.startswith('Frame')]
        ['Frames: 50', 'Frame Time: 0.040000000']
    """
    joints, root = y_up(track, camera)
    moving = np.concatenate([checked_poses(joints, skeleton), root[:, None]], axis=1)
    rate, _, moving = at_even_times(track, times, moving)
    joints, root = moving[:, :-1], moving[:, -1]
    nodes = h36m_nodes(joints) if skeleton == H36M else joint_nodes(joints, skeleton)
    channels = np.hstack([root, *(_continuous_angles(node.rotation, node.order) for node in nodes)])
    with whole_file(path) as partial, partial.open('w', encoding='utf-8') as file:
        file.write('HIERARCHY\n' + '\n'.join(_hierarchy(nodes[0], nodes)))
        file.write(f'\nMOTION\nFrames: {len(channels)}\nFrame Time: {1 / rate:.9f}\n')
        np.savetxt(file, channels, fmt='%.6f')


def _continuous_angles(rotation: Rotation, order: str) -> np.ndarray:
    """Euler angles (T, 3), degrees; of the two triples for a rotation, the one nearer to the frame before."""
    first = rotation.as_euler(order, degrees=True)
    second = np.stack([first[:, 0] + 180, 180 - first[:, 1], first[:, 2] + 180], axis=-1)
    angles = np.empty_like(first)
    previous = np.zeros(3)
    for t, triples in enumerate(np.stack([first, second], axis=1)):
        triples = triples - 360 * np.round((triples - previous) / 360)
        previous = angles[t] = triples[np.abs(triples - previous).sum(axis=-1).argmin()]
    return angles


def _hierarchy(node: Node, nodes: list[Node], depth: int = 0) -> list[str]:
    """The lines of a node and of all nodes below it."""
    lines = [
        f'{"JOINT" if node.parent else "ROOT"} {node.name}',
        '{',
        f'  OFFSET {_numbers(node.offset)}',
        f'  CHANNELS {"3" if node.parent else "6 Xposition Yposition Zposition"} '
        + ' '.join(f'{axis}rotation' for axis in node.order),
    ]
    if node.end is not None:
        lines += ['  End Site', '  {', f'    OFFSET {_numbers(node.end)}', '  }']
    below = [line for child in nodes if child.parent == node.name for line in _hierarchy(child, nodes, depth + 1)]
    return ['  ' * depth + line for line in lines] + below + ['  ' * depth + '}']


def _numbers(values: np.ndarray) -> str:
    return ' '.join(f'{value:.6f}' for value in values)
