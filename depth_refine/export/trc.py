"""TRC, the marker file of OpenSim and other programs for biomechanics."""

from pathlib import Path

import numpy as np

from depth_refine.functional.bone_lengths import checked_poses
from depth_refine.structures.skeleton import Skeleton
from depth_refine.structures.video_poses import PoseTrack
from depth_refine.utils.atomic import whole_file

from .even_times import at_even_times
from .y_up import y_up

_HEADER = 'DataRate CameraRate NumFrames NumMarkers Units OrigDataRate OrigDataStartFrame OrigNumFrames'


def write_trc(
    track: PoseTrack, skeleton: Skeleton, path: str | Path, times: np.ndarray, camera: dict | None = None
) -> None:
    """Write the refined poses of a person as the paths of markers, one for each joint, with the joints' names.

    Coordinates are metres, with y up. TRC has one frame rate and no gaps: joints are interpolated to even times, see
    :func:`depth_refine.export.even_times.at_even_times`; frames of even times stay as they are. Times are those of the
    video, so that the files of its people share one clock. Frames count from 1, the person's first.

    Args:
        track: the person. Without ``root`` the root stays at the origin.
        skeleton: of its joints. Blanks in their names become underscores.
        path: the file.
        times: (N,) seconds of every frame of the video, ascending.
        camera: see :func:`depth_refine.export.y_up.y_up`.

    Raises:
        InputError: the joints are not the skeleton's, a coordinate is not finite, or times do not ascend or are fewer
            than frames.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from depth_refine.export import write_trc
        >>> from depth_refine.structures import H36M, PoseTrack
        >>> frames, joints = np.arange(50), np.random.default_rng(0).normal(size=(50, 17, 3))
        >>> boxes, scores, pixels = np.ones((50, 4)), np.ones((50, 17)), np.ones((50, 17, 2))
        >>> person = PoseTrack(0, frames, boxes, scores, pixels, None, None, None, joints, frames < 0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_trc(person, H36M, f'{folder}/person.trc', times=frames / 25)
        ...     Path(folder, 'person.trc').read_text().splitlines()[2].split()[:5]  # rates, frames, markers, unit
        ['25', '25', '50', '17', 'm']
    """
    joints, root = y_up(track, camera)
    rate, even, joints = at_even_times(track, times, checked_poses(joints, skeleton) + root[:, None])
    names = ['_'.join(name.split()) for name in skeleton.joint_names]
    values = f'{rate:.6g} {rate:.6g} {len(even)} {len(names)} m {rate:.6g} 1 {len(even)}'
    lines = [
        f'PathFileType\t4\t(X/Y/Z)\t{Path(path).name}',
        '\t'.join(_HEADER.split()),
        '\t'.join(values.split()),
        'Frame#\tTime\t' + '\t\t\t'.join(names),
        '\t\t' + '\t'.join(f'{axis}{marker}' for marker in range(1, len(names) + 1) for axis in 'XYZ'),
        '',
    ]
    rows = np.column_stack([np.arange(1, len(even) + 1), even, joints.reshape(len(even), -1)])
    with whole_file(path) as partial, partial.open('w', encoding='utf-8') as file:
        file.write('\n'.join(lines) + '\n')
        np.savetxt(file, rows, fmt=['%d', *['%.6f'] * (rows.shape[1] - 1)], delimiter='\t')
