"""3D poses from the first stage's measurements: the second stage, the root's path in space, and finishing."""

import numpy as np

from depth_refine.functional.camera import back_project, camera_to_world, has_rays
from depth_refine.functional.root_trajectory import estimate_root_trajectory
from depth_refine.structures.video_poses import PoseTrack, VideoPoses
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .finishing import Finishing, mend_sides
from .people.tracking import Observations, nested, split_into_tracks
from .resampling import has_rate, interpolate, uniform_times
from .stages import SecondStage
from .training_camera import undistorted

_SMOOTH = 4.0  # px / m for every px of the frame's longer side, see estimate_root_trajectory
_BOX_METRES = 2.0  # assumed for the longer side of a person's box where the root's path is not known
_OFF_THE_FLOOR = 0.5  # metres


def refine_people(
    second: SecondStage,
    name: str,
    seen: Observations,
    camera: tuple[dict, str],
    known_ids: bool,
    mend: bool,
    smooth: float | None = None,
    finishing: Finishing | None = None,
) -> VideoPoses:
    """The refined poses of everyone in a video.

    Args:
        second: the refiner.
        name: of the video.
        seen: the first stage's observations.
        camera: the camera and a sentence on its source, see :func:`make_camera`.
        known_ids: whether track ids come from the source of the people; otherwise short tracks are dropped as noise.
        mend: whether to exchange left and right back where the first stage confused them; needs depths.
        smooth: smoothing of the root's path, px / m, see :func:`estimate_root_trajectory`; by default 4 times the
            longer side of the frames.
        finishing: steps after the refiner; none if None.

    Returns:
        The poses. Notes say what was done.

    Raises:
        InputError: ``smooth`` is negative, or poses cannot be made of what was seen.
    """
    notes = [*second.notes, *seen.notes]
    result = VideoPoses(name, second.skeleton, seen.size, seen.times, *camera, notes=notes)
    people, more = split_into_tracks(seen.frames, seen.ids, seen.times, drop_noise=not known_ids)
    result.notes += more if people else [*more, 'No person was found.']
    result.notes += nested(people, seen.frames, seen.bboxes)
    smooth = _SMOOTH * max(seen.size) if smooth is None else smooth
    require_number('smooth, of the path, px / m', smooth, 0)
    for track_id, rows in people:
        result.tracks.append(_refine(second, track_id, rows, seen, result, mend, smooth, finishing))
    if 'R' in result.camera:
        result.notes += _off_the_floor(result)
    if finishing is not None and people:
        result.notes.append(finishing.note(result.fps))
        finishing.video(result)
    return result


def _off_the_floor(result: VideoPoses) -> list[str]:
    """Notes on people whose lowest joints are far from z = 0 of the world that the extrinsics define."""
    notes = []
    for track in result.tracks:
        if track.root is not None:
            height = camera_to_world(track.keypoints_3d + track.root[:, None], result.camera)[..., 2].min(axis=1)
            if abs(middle := float(np.median(height))) > _OFF_THE_FLOOR:
                notes.append(
                    f'Person {track.track_id}, the lowest joint is at z = {middle:.2f} m in the world, median over '
                    "frames. If its floor is z = 0, T of the extrinsics is not the camera's place in metres (of "
                    "OpenCV's R and t that is -R.T @ t), or the focal length is wrong."
                )
    return notes


def _refine(
    second: SecondStage,
    track_id: int,
    rows: np.ndarray,
    seen: Observations,
    result: VideoPoses,
    mend: bool,
    smooth: float,
    finishing: Finishing | None,
) -> PoseTrack:
    """The refined track of one person, who is in some rows of the observations."""
    found = seen.frames[rows]
    frames = np.arange(found[0], found[-1] + 1)
    times, rate = seen.times[frames], second.rate
    measurements, bboxes = (
        interpolate(values[rows], seen.times[found], times, smooth=False) for values in (seen.measurements, seen.bboxes)
    )
    is_interpolated = ~np.isin(frames, found)
    if is_interpolated.any():
        result.notes.append(f'Person {track_id}, interpolated frames in gaps: {is_interpolated.sum()}.')
    if mend and np.isfinite(measurements[..., 2]).all():
        measurements, mended = mend_sides(measurements, bboxes, second.skeleton)
        if mended:
            result.notes.append(f'Person {track_id}, frames in which left was taken for right, mended: {mended}.')
    if beyond := int(np.sum(~has_rays(measurements[..., :2], result.camera))):
        result.notes.append(
            f'Person {track_id}, joints where the lens distortion folds over, read without distortion: {beyond} of '
            f'{measurements[..., 0].size}. Is the calibration right that far from the middle of the frame?'
        )

    inputs = measurements
    if resampled := not has_rate(times, rate):
        note = (
            f'The refiner was trained at {rate:g} frames a second: its inputs are interpolated to that rate, and '
            "its poses back to the times of the video's frames."
        )
        result.notes += [note] if note not in result.notes else []
        at = uniform_times(times, rate)
        inputs = interpolate(measurements, times, at, smooth=True)
        inputs[..., 3:] = inputs[..., 3:].clip(min=0)  # a curve through confidences near 0 may become negative
    poses = second(inputs, result.camera)
    try:
        pixels = undistorted(inputs[..., :2], result.camera)
        lens = np.ravel(result.camera['f']), np.ravel(result.camera['c'])
        root = estimate_root_trajectory(poses, pixels, *lens, weights=inputs[..., 3], smooth=smooth)
        root = interpolate(root, at, times, smooth=True) if resampled else root.astype(np.float32)
        distance = root[:, 2]
    except InputError as error:
        result.notes.append(f'Person {track_id}: no position in space, since {error}')
        root = None
        distance = np.max(result.camera['f']) * _BOX_METRES / (bboxes[:, 2:] - bboxes[:, :2]).max(axis=1)
    poses = interpolate(poses, at, times, smooth=True) if resampled else poses
    if finishing is not None:
        poses, root = finishing.poses(poses, root, measurements, times, result.camera, second.skeleton)
        distance = distance if root is None else root[:, 2]
    depth = measurements[..., 2]
    first = back_project(measurements[..., :2], depth + distance[:, None], result.camera)
    return PoseTrack(
        track_id=track_id,
        frames=frames,
        bboxes=bboxes,
        scores=measurements[..., 3],
        keypoints=measurements[..., :2],
        depth=_known(depth),
        depth_std=_known(measurements[..., 4]),
        keypoints_3d_first=_known((first - first[:, [second.skeleton.root]]).astype(np.float32)),
        keypoints_3d=poses,
        is_interpolated=is_interpolated,
        root=root,
    )


def _known(values: np.ndarray) -> np.ndarray | None:
    """The values, or None if all are NaN, as depths of 2D predictions are."""
    return None if np.isnan(values).all() else values
