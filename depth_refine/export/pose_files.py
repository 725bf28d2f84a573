"""The poses of a video as npz, json and csv files with the same keys, documented in docs/output_files.md."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from depth_refine.functional.camera import camera_to_world
from depth_refine.structures.video_poses import PoseTrack, VideoPoses
from depth_refine.utils.atomic import whole_file

FORMAT_VERSION = 1
_CAMERA_KEYS = dict(f='camera_focal_px', c='camera_center_px', k='camera_k', p='camera_p', R='camera_R', T='camera_T_m')

_ROWS = 500  # frames converted to text at a time, since Python's numbers need ten times the memory of arrays
_ROW_KEYS = ('track_id', 'frame', 'time_s', 'is_interpolated')


def write_npz(poses: VideoPoses, path: str | Path) -> None:
    """Write poses as arrays in an npz file; people are joined along the first axis and told apart by ``track_id``.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from depth_refine.export import write_npz
        >>> from depth_refine.structures import H36M, PoseTrack, VideoPoses
        >>> frames, boxes, scores = np.arange(3), np.ones((3, 4)), np.ones((3, 17))
        >>> pixels, joints = np.ones((3, 17, 2)), np.ones((3, 17, 3))
        >>> person = PoseTrack(0, frames, boxes, scores, pixels, None, None, None, joints, frames < 0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_npz(VideoPoses('clip', H36M, (640, 480), frames / 25, tracks=[person]), f'{folder}/poses.npz')
        ...     np.load(f'{folder}/poses.npz')['root_relative_m'].shape
        (3, 17, 3)
    """
    tracks = _tracks(poses)
    joined = {key: np.concatenate([arrays[key] for arrays in tracks]) for key in (tracks[0] if tracks else {})}
    joined.setdefault('track_id', np.zeros(0, int))
    with whole_file(path) as partial, partial.open('wb') as file:
        np.savez_compressed(file, allow_pickle=False, **_header(poses), **joined)


def write_json(poses: VideoPoses, path: str | Path) -> None:
    """Write poses as json with the same keys and a list ``tracks`` of the people; unknown numbers are null.

    Example:
        >>> import json
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from depth_refine.export import write_json
        >>> from depth_refine.structures import H36M, PoseTrack, VideoPoses
        >>> frames, boxes, scores = np.arange(3), np.ones((3, 4)), np.ones((3, 17))
        >>> pixels, joints = np.ones((3, 17, 2)), np.ones((3, 17, 3))
        >>> person = PoseTrack(0, frames, boxes, scores, pixels, None, None, None, joints, frames < 0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_json(VideoPoses('clip', H36M, (640, 480), frames / 25, tracks=[person]), f'{folder}/poses.json')
        ...     json.loads(Path(folder, 'poses.json').read_text())['tracks'][0]['time_s']
        [0.0, 0.04, 0.08]
    """
    header = json.dumps({key: value.tolist() for key, value in _header(poses).items()}, allow_nan=False)
    with whole_file(path) as partial, partial.open('w', encoding='utf-8') as file:
        file.write(header.removesuffix('}') + ', "tracks": [')
        for index, arrays in enumerate(_tracks(poses)):
            track_id = int(arrays.pop('track_id')[0])
            file.write(', ' * (index > 0) + f'{{"track_id": {track_id}')
            for key, array in arrays.items():
                file.write(f', "{key}": [')
                for start in range(0, len(array), _ROWS):
                    text = json.dumps(_plain(array[start : start + _ROWS]), allow_nan=False)
                    file.write(', ' * (start > 0) + text[1:-1])
                file.write(']')
            file.write('}')
        file.write(']}\n')


def write_csv(poses: VideoPoses, path: str | Path) -> None:
    """Write poses as csv, a row for each person, frame and joint; unknown numbers are empty.

    Lines ``# key: value`` above the header describe the whole video.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from depth_refine.export import write_csv
        >>> from depth_refine.structures import H36M, PoseTrack, VideoPoses
        >>> frames, boxes, scores = np.arange(3), np.ones((3, 4)), np.ones((3, 17))
        >>> pixels, joints = np.ones((3, 17, 2)), np.ones((3, 17, 3))
        >>> person = PoseTrack(0, frames, boxes, scores, pixels, None, None, None, joints, frames < 0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_csv(VideoPoses('clip', H36M, (640, 480), frames / 25, tracks=[person]), f'{folder}/poses.csv')
        ...     Path(folder, 'poses.csv').read_text().splitlines()[-1][:34]  # of the last frame's last joint
        '0,2,0.08,False,right_wrist,1.0,1.0'
    """
    with whole_file(path) as partial, partial.open('w', newline='', encoding='utf-8') as file:
        for key, value in _header(poses).items():
            file.write(f'# {key}: {json.dumps(value.tolist())}\n')
        writer = csv.writer(file, lineterminator='\n')
        for index, arrays in enumerate(_tracks(poses)):
            if index == 0:
                writer.writerow([*_ROW_KEYS, 'joint', *dict(_joint_columns(arrays))])
            for start in range(0, len(arrays['frame']), _ROWS):
                rows = {key: array[start : start + _ROWS] for key, array in arrays.items()}
                row_values = zip(*(_plain(rows[key]) for key in _ROW_KEYS), strict=True)
                joint_values = np.stack(list(dict(_joint_columns(rows)).values()), axis=-1)
                for row, joints in zip(row_values, joint_values, strict=True):
                    for name, values in zip(poses.skeleton.joint_names, _plain(joints), strict=True):
                        writer.writerow([*row, name, *values])


def _header(poses: VideoPoses) -> dict[str, np.ndarray]:
    """The keys and values of the whole video: names, sizes, the camera, notes."""
    values = dict(
        format_version=FORMAT_VERSION,
        video=poses.video,
        image_size_px=poses.size,
        fps=poses.fps,
        joint_names=poses.skeleton.joint_names,
        joint_parents=poses.skeleton.parents,
        camera_source=poses.camera_source,
        notes=np.array(poses.notes, dtype=np.str_),
    )
    for key, name in _CAMERA_KEYS.items():
        if key in (poses.camera or {}):
            values[name] = np.reshape(poses.camera[key], (3, 3) if key == 'R' else -1)
    if 'lens' in (poses.camera or {}):
        values['camera_lens'] = poses.camera['lens']
    return {key: np.asarray(value) for key, value in values.items()}


def _tracks(poses: VideoPoses) -> list[dict[str, np.ndarray]]:
    """The arrays of each person, with the same keys for all; the first axis is the person's frames.

    If only some of the people have a key, it is NaN for the others.
    """
    tracks = [_track(track, poses) for track in poses.tracks]
    shapes = {key: array.shape[1:] for arrays in tracks for key, array in arrays.items()}
    return [
        {key: arrays.get(key, np.full((len(arrays['frame']), *shape), np.nan)) for key, shape in shapes.items()}
        for arrays in tracks
    ]


def _track(track: PoseTrack, poses: VideoPoses) -> dict[str, np.ndarray]:
    arrays = dict(
        track_id=np.full(len(track.frames), track.track_id),
        frame=np.asarray(track.frames),
        time_s=np.asarray(poses.times)[track.frames],
        is_interpolated=np.asarray(track.is_interpolated, bool),
        bbox_px=track.bboxes,
        score=track.scores,
        keypoints_px=track.keypoints,
    )
    arrays |= dict(depth_first_stage_m=track.depth, depth_std_m=track.depth_std)
    arrays |= dict(root_relative_first_stage_m=track.keypoints_3d_first, root_relative_m=track.keypoints_3d)
    arrays |= dict(root_relative_truth_m=track.truth)
    arrays = {key: array for key, array in arrays.items() if array is not None}
    if track.root is not None:
        arrays['camera_m'] = track.keypoints_3d + track.root[:, None]
        if poses.camera is not None and 'R' in poses.camera and 'T' in poses.camera:
            arrays['world_m'] = camera_to_world(arrays['camera_m'], poses.camera)
    return arrays


def _joint_columns(arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Names and values (T, K) of the columns: ``score``; ``camera_m_x``, ``camera_m_y``, ``camera_m_z``; and so on."""
    for key, array in arrays.items():
        if array.ndim == 2 and key != 'bbox_px':
            yield key, array
        elif array.ndim == 3:
            for index, axis in enumerate('uv' if array.shape[-1] == 2 else 'xyz'):
                yield f'{key}_{axis}', array[..., index]


def _plain(array: np.ndarray) -> list:
    """An array as lists of Python's numbers, rounded to six decimals, with None for NaN and infinity."""
    if not np.issubdtype(array.dtype, np.floating):
        return array.tolist()
    rounded = array.astype(np.float64).round(6)
    return np.where(np.isfinite(rounded), rounded.astype(object), None).tolist()
