"""What the page says of a person: poses for its scripts, errors for its table."""

import base64
from typing import NamedTuple

import numpy as np

from depth_refine.functional.pose_error import difference_error, mpjpe, similarity_align
from depth_refine.structures.video_poses import PoseTrack


class Stage(NamedTuple):
    """One of the poses of a person."""

    name: str
    color: str  # CSS
    attribute: str  # of PoseTrack


STAGES = {
    'truth': Stage('ground truth', '#9a9aa2', 'truth'),
    'first': Stage('first stage', '#8e6bd8', 'keypoints_3d_first'),
    'refined': Stage('refined', '#009e73', 'keypoints_3d'),
}


class ErrorRow(NamedTuple):
    """Errors of one stage over a person's frames, millimetres; the acceleration's is per frame squared."""

    stage: str
    mpjpe: float
    pa_mpjpe: float
    acceleration: float | None  # None for tracks of fewer than three frames


def error_rows(track: PoseTrack) -> list[ErrorRow]:
    """Errors of both stages of a track whose truth is known, root at the origin on both sides."""
    rows = []
    for key in ('first', 'refined'):
        pred = getattr(track, STAGES[key].attribute)
        acceleration = difference_error(pred, track.truth, order=2)
        rows.append(
            ErrorRow(
                STAGES[key].name,
                1000 * float(mpjpe(pred, track.truth).mean()),
                1000 * float(mpjpe(similarity_align(pred, track.truth), track.truth).mean()),
                1000 * float(acceleration.mean()) if len(acceleration) else None,
            )
        )
    return rows


def track_data(track: PoseTrack) -> dict:
    """A track for the page's scripts: arrays are base64 of little-endian float32, poses in millimetres."""
    poses = {key: getattr(track, stage.attribute) for key, stage in STAGES.items()}
    return {
        'id': track.track_id,
        'start': int(track.frames[0]),
        'interpolated': track.is_interpolated.astype(int).tolist(),
        'keypoints': _base64(track.keypoints),
        'poses': {key: _base64(1000 * pose) for key, pose in poses.items() if pose is not None},
    }


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.asarray(array, '<f4').tobytes()).decode()
