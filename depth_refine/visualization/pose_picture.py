"""A still picture of a result, for papers."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from depth_refine.structures.video_poses import VideoPoses
from depth_refine.utils.errors import InputError

from .overlay import checked_frames
from .pose_figure import plot_pose_comparison
from .pose_frame import PoseFrame

_ROWS = 4


def write_pose_picture(poses: VideoPoses, frames: Iterable[np.ndarray], path: str | Path) -> None:
    """Draw four moments of the person who is seen longest: image, truth if known, first stage and refined.

    The frames are spread evenly over the time in which the person was found.

    Args:
        poses: the people of the video.
        frames: its upright frames, (H, W, 3) uint8 BGR; a generator is consumed frame by frame.
        path: the picture; its suffix chooses the format: '.pdf' and '.svg' keep the skeletons as lines.

    Raises:
        InputError: nobody was found, or the frames are not those of ``poses``.
    """
    if not poses.tracks:
        raise InputError(f'cannot draw {path}: no person was found in {poses.video}')
    track = max(poses.tracks, key=lambda track: len(track.frames))
    found = np.flatnonzero(~track.is_interpolated)
    chosen = found[np.unique(np.linspace(0, len(found) - 1, _ROWS + 2).round().astype(int)[1:-1])]
    rows = {int(track.frames[position]): position for position in chosen}
    images = {i: image for i, image in enumerate(checked_frames(poses, frames, path)) if i in rows}
    plot_pose_comparison(
        [
            PoseFrame(
                image=images[frame],
                keypoints=track.keypoints[position],
                truth=None if track.truth is None else track.truth[position],
                predictions={
                    'first stage': track.keypoints_3d_first[position],
                    'refined': track.keypoints_3d[position],
                },
                title=f'{poses.times[frame] - poses.times[0]:.2f} s',
            )
            for frame, position in rows.items()
        ],
        path,
    )
