"""Writes the interactive report of a result."""

import base64
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from depth_refine.functional.pose_error import difference_error, mpjpe, similarity_align
from depth_refine.structures.video_poses import PoseTrack, VideoPoses
from depth_refine.utils.atomic import whole_file
from depth_refine.visualization.mp4 import write_mp4
from depth_refine.visualization.overlay_video import checked_frames, fitted_size, resized
from depth_refine.visualization.pose_frame import SIDE_COLORS, bone_sides, css
from depth_refine.visualization.scene_view import person_color

_SIDE = 640  # px, the longer side of the embedded video
_CRF = 28  # its constant rate factor, high so that the report is small enough for e-mail
_SCRIPTS = ('track.js', 'player.js', 'video_view.js', 'pose_view.js', 'depth_curves.js', 'report.js')
_HERE = Path(__file__).parent
_STAGES = {  # name, colour, and attribute of PoseTrack
    'truth': ('ground truth', '#9a9aa2', 'truth'),
    'first': ('first stage', '#8e6bd8', 'keypoints_3d_first'),
    'refined': ('refined', '#009e73', 'keypoints_3d'),
}


def write_report(poses: VideoPoses, frames: Iterable[np.ndarray] | None, path: str | Path) -> None:
    """Write the interactive report of a video: one HTML file that needs no other file and no network.

    It shows the video with the 2D joints beside a rotatable 3D skeleton (first stage, refined, and truth if known), the
    depth of a joint over time, and the errors if truth is known. Its size is about 5 MB, plus the video, plus 1 kB per
    person and frame. The video is encoded again, at most 640 px wide or high; frames keep their times.

    Args:
        poses: the people of the video.
        frames: its upright frames, (H, W, 3) uint8 BGR, or None for a report without video; a generator is consumed
            frame by frame.
        path: the report, ending in '.html'.

    Raises:
        InputError: the frames are not those of ``poses``.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from depth_refine.structures import H36M, PoseTrack, VideoPoses
        >>> from depth_refine.visualization import write_report
        >>> frames, boxes, scores = np.arange(3), np.ones((3, 4)), np.ones((3, 17))
        >>> pixels, joints = np.full((3, 17, 2), 30.0), np.random.default_rng(0).normal(size=(3, 17, 3))
        >>> person = PoseTrack(0, frames, boxes, scores, pixels, None, None, None, joints, frames < 0)
        >>> poses = VideoPoses('clip', H36M, (64, 48), frames / 25, tracks=[person])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_report(poses, None, f'{folder}/report.html')  # without video
    """
    video = _encode(poses, frames, path) if poses.tracks and frames is not None else None
    names = [name.replace('_', ' ') for name in poses.skeleton.joint_names]
    data = {
        'times': (poses.times - poses.times[0]).tolist(),
        'size': list(poses.size),
        'bones': poses.skeleton.bones,
        'boneSides': bone_sides(poses.skeleton),
        'sideColors': {side: css(color) for side, color in SIDE_COLORS.items()},
        'stages': [{'key': key, 'name': name, 'color': color} for key, (name, color, _) in _STAGES.items()],
        'joints': names,
        'tracks': [_track_data(track) for track in poses.tracks],
    }
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    report = environment.get_template('report.html').render(
        poses=poses,
        data=data,
        video=video,
        joints=[(joint, name) for joint, name in enumerate(names) if joint != poses.skeleton.root],
        has_truth=any(track.truth is not None for track in poses.tracks),
        errors=[(track.track_id, error_rows(track)) for track in poses.tracks if track.truth is not None],
        style=(_HERE / 'report.css').read_text(encoding='utf-8'),
        plotly=get_plotlyjs(),
        scripts=[(_HERE / name).read_text(encoding='utf-8') for name in _SCRIPTS],
    )
    with whole_file(path) as partial:
        partial.write_text(report, encoding='utf-8')


def _encode(poses: VideoPoses, frames: Iterable[np.ndarray], path: str | Path) -> str:
    """The frames as a small MP4, base64-encoded."""
    size = fitted_size(poses.size, _SIDE)
    images = zip(poses.times - poses.times[0], checked_frames(poses, frames, path), strict=False)
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder, 'video.mp4')
        write_mp4(((seconds, resized(image, size)) for seconds, image in images), video, poses.fps, crf=_CRF)
        return base64.b64encode(video.read_bytes()).decode()


def error_rows(track: PoseTrack) -> list[tuple[str, float, float, float | None]]:
    """The errors of both stages of a track whose truth is known, root at the origin on both sides.

    Returns:
        For each stage its name, MPJPE and PA-MPJPE in millimetres, and the acceleration error in millimetres per frame
        squared, which is None for tracks of fewer than three frames.
    """
    rows = []
    for key in ('first', 'refined'):
        name, _, attribute = _STAGES[key]
        pred = getattr(track, attribute)
        if pred is None:
            continue
        aligned = similarity_align(pred, track.truth)
        errors = [1000 * float(mpjpe(poses, track.truth).mean()) for poses in (pred, aligned)]
        acceleration = difference_error(pred, track.truth, order=2)
        rows.append((name, *errors, 1000 * float(acceleration.mean()) if len(acceleration) else None))
    return rows


def _track_data(track: PoseTrack) -> dict:
    """A track for the report's scripts: arrays are little-endian float32 in base64, poses in millimetres."""
    poses = {key: getattr(track, attribute) for key, (_, _, attribute) in _STAGES.items()}
    return {
        'id': track.track_id,
        'color': css(person_color(track)),
        'start': int(track.frames[0]),
        'interpolated': track.is_interpolated.astype(int).tolist(),
        'keypoints': _base64(track.keypoints),
        'poses': {key: _base64(1000 * pose) for key, pose in poses.items() if pose is not None},
    }


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.asarray(array, '<f4').tobytes()).decode()
