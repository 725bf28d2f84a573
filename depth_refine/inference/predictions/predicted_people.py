"""The people of a video from another estimator's predictions, in place of boxes, tracker and first stage."""

from dataclasses import dataclass, replace

import numpy as np

from depth_refine.data_tools.conversion.depths import (
    check_spread,
    depth_of_landmarks,
    relative_depth,
    scale_note,
)
from depth_refine.data_tools.conversion.joint_orders import middle_of_face, to_h36m
from depth_refine.data_tools.conversion.video_predictions import Predictions
from depth_refine.functional.camera import pixel_rays
from depth_refine.functional.depth_scale import better_depth_scale
from depth_refine.structures.camera import make_camera
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from ..people.frame_size import COVERED, check_places
from ..people.motion_tracker import MotionTracker
from ..people.tracking import Observations, exchanges, split_into_tracks
from ..sources.image_folder import frames_of_images

_SMALLEST = 2.0  # px; joints in a smaller box are useless
_HIGHEST = 2.0  # scores up to this are accepted, since some estimators exceed 1 a little
_LYING = 0.8  # share of lying poses above which joints, axes or the rotation of the video are probably wrong
_MOST_FRAMES = 10_000_000  # two days; larger numbers are not those of frames
_HEAD = H36M.joint_names.index('neck_base'), H36M.joint_names.index('head')
_EXCHANGED = 0.5  # mean bend of the knees: -1 if all bend forwards, as knees do, 1 if all bend backwards


@dataclass
class PredictedPeople(Observations):
    """Observations made of another estimator's predictions: Human3.6M's joints, NaN as standard deviation of depth."""

    has_depth: bool  # if not, the depths are NaN
    has_ids: bool  # whether ``ids`` are the estimator's; if not, they are the tracker's


def predicted_people(
    predictions: Predictions,
    size: tuple[int, int],
    times: np.ndarray | None = None,
    fps: float = 50.0,
    camera: dict | None = None,
) -> PredictedPeople:
    """Observations of a video from predictions, like those of :func:`depth_refine.inference.people.tracking.observe`.

    A joint that was not found is interpolated over time within the person's track, in place and depth, and gets score
    0; so do the joints of Human3.6M that are made of it. If a person's head or neck base is never found, as from behind
    or the side, the middle of the face's joints replaces it. People of whom any other joint is never found are left
    out. People without track ids are tracked by the boxes around their joints.

    Args:
        predictions: of one video.
        size: width and height of its upright frames, px.
        times: (N,) seconds of its frames.
        fps: frames a second, if there are no times; then the video ends with the last prediction.
        camera: see :func:`make_camera`, for the direction of ``world_landmarks``; by default assumed.

    Returns:
        The observations. Notes say what was filled or left out, and what may be wrong with the predictions.

    Raises:
        InputError: the predictions are of another video or numbered differently, depths are in another unit, or no
            person remains.
    """
    notes = list(predictions.notes)
    frames, times = _on_video(predictions, times, fps, notes)
    found = predictions.found
    joints = predictions.keypoints[found]
    notes += check_places(predictions.name, 'joints', joints, joints, size)
    bboxes = _boxes(predictions.keypoints, found, size)
    rows = np.flatnonzero((bboxes[:, 2:] - bboxes[:, :2] >= _SMALLEST).all(axis=1))
    if left_out := len(frames) - len(rows):
        if not len(rows):
            raise InputError(f'{predictions.name}: nobody has joints that are more than 2 px apart inside the frame')
        notes.append(f'Predictions without a person, or of people outside the frame, left out: {left_out}.')
    has_ids = predictions.track_ids is not None
    ids = predictions.track_ids[rows] if has_ids else _track(frames[rows], bboxes[rows], times)
    notes += exchanges(frames[rows], ids, bboxes[rows])
    poses, faces = (values[rows] for values in _poses(predictions, found))
    kept = _fill(poses, faces, frames[rows], ids, times, notes)
    if not kept.any():
        raise InputError(f'{predictions.name}: {notes[-1]} Nobody remains; each joint must be found in some frame.')
    rows, ids, poses = rows[kept], ids[kept], poses[kept]
    notes += note_on_lying(
        poses,
        f'are the joints in the order {predictions.joint_order!r}, their coordinates x and y, the frames upright?',
    )
    if (highest := np.nanmax(predictions.scores)) > _HIGHEST:
        notes.append(
            f'Scores reach {highest:.3g}, expected 0 to 1; above 1 they count as 1. Divide percentages by 100.'
        )

    measurements = np.full((len(rows), len(H36M.joint_names), 5), np.nan)
    measurements[..., :2], measurements[..., 3] = poses[..., :2], poses[..., -1].clip(0, 1)
    if has_depth := predictions.depth_unit is not None:
        depth = poses[..., 2]
        if predictions.world_landmarks is not None:
            rays = pixel_rays(poses[:, H36M.root, :2], camera or make_camera(size)[0])
            depth = depth_of_landmarks(poses[..., 2:5], rays)
        measurements[..., 2] = relative_depth(depth, predictions.depth_unit)
        check_spread(measurements[..., 2], predictions.depth_unit)
        if better := better_depth_scale(measurements[..., :3]):
            notes.append(scale_note(predictions.depth_unit, *better))
        if knees_bend_backwards(measurements[..., :3], bboxes[rows]):
            notes.append(
                'Knees bend the wrong way: left and right are exchanged in the predictions, or the depths run towards '
                "the camera. Expected the person's own left, and depths that are larger when farther away."
            )
    observed = times, frames[rows], ids, bboxes[rows].astype(np.float32), measurements.astype(np.float32), notes
    return PredictedPeople(tuple(size), *observed, has_depth, has_ids)


def on_images(predictions: Predictions, numbers: list[int] | None) -> Predictions:
    """Predictions with frames counted from 0 if they are the numbers in a folder's image names; otherwise unchanged."""
    first = predictions.first_frame
    index = frames_of_images(predictions.frames, first, numbers)
    if index is None or np.array_equal(index, predictions.frames - first):
        return predictions
    note = f'Frames of the predictions are those whose numbers are in the names of the images, {numbers[0]} to '
    return replace(predictions, frames=index, first_frame=0, notes=[*predictions.notes, note + f'{numbers[-1]}.'])


def _on_video(
    predictions: Predictions, times: np.ndarray | None, fps: float, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """The predictions' frames (D,), counted from 0, and the times (N,) of the video's frames, seconds."""
    first, last = int(predictions.frames[0]), int(predictions.frames[-1])
    number = predictions.first_frame
    require_number('number of the first frame (--first-frame)', number, 0, whole=True)
    if first < number:
        raise InputError(
            f"{predictions.name}: they are of frame {first}, and the video's first one is said to be {number}. State "
            'the right number of the first frame (--first-frame).'
        )
    if times is None:
        require_number('fps', fps, 0.01, 100_000)
        if last - number >= _MOST_FRAMES:
            raise InputError(
                f"{predictions.name}: they are of frames {first} to {last}. Expected numbers of a video's frames."
            )
        times = np.arange(last - number + 1) / fps
        notes.append(f'The predictions have no time stamps and are taken as {fps:g} a second.')
    count = len(times)
    if last - number >= count:
        raise InputError(
            f'{predictions.name}: they are of frames {first} to {last}, and the video has {count}, {number} to '
            f'{number + count - 1}. Are they of this video, and is {number} the number of the first frame '
            f'(--first-frame)? If the first image or frame is that of {first}, give --first-frame {first}. Remove '
            'predictions beyond its end.'
        )
    if number == 0 and first == 1:
        notes.append(
            'The first prediction is of frame 1, which is read as the second frame. If the files count from 1, say '
            'that 1 is the number of the first frame (--first-frame).'
        )
    if last - first + 1 < COVERED * count:
        notes.append(
            f'Predictions are of frames {first} to {last}, and the video has {count}: they are of this video at this '
            'frame rate only if nobody is seen in the others.'
        )
    return predictions.frames - number, times


def _boxes(keypoints: np.ndarray, found: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Boxes (D, 4) x1 y1 x2 y2 px around the joints that were found, cut at the frame's edges."""
    low = np.where(found[..., None], keypoints, np.inf).min(axis=1)
    high = np.where(found[..., None], keypoints, -np.inf).max(axis=1)
    return np.concatenate([low.clip(0, size), high.clip(0, size)], axis=1)


def note_on_lying(poses: np.ndarray, question: str) -> list[str]:
    """A note, with a question, if most trunks of poses (D, 17, C) px are over 45 degrees from upright; or none."""
    x, y = (poses[:, H36M.joint_names.index('thorax'), :2] - poses[:, H36M.root, :2]).T
    lying = np.sum(-y < np.abs(x)) / max(len(poses), 1)
    note = f'Trunks lie or point down in {100 * lying:.0f} % of the poses. Unless people do: {question}'
    return [note] if lying > _LYING else []


def _track(frames: np.ndarray, bboxes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Track ids (D,), by the tracker that is used for the first stage's boxes."""
    tracker, starts = MotionTracker(), np.searchsorted(frames, np.arange(len(times) + 1))
    ids = [tracker.update(time, bboxes[a:b]) for time, a, b in zip(times, starts[:-1], starts[1:], strict=True)]
    return np.concatenate(ids)


def _poses(predictions: Predictions, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Human3.6M's joints (D, 17, C) and the middle of the face (D, C), NaN where they were not found.

    Their columns are u px, v px, the depth or the world landmark if there is one, and the score.
    """
    third = predictions.depth if predictions.world_landmarks is None else predictions.world_landmarks
    columns = [predictions.keypoints, *([] if third is None else [third]), predictions.scores]
    joints = np.concatenate([values.reshape(*found.shape, -1) for values in columns], axis=-1)
    joints[~found] = np.nan
    return to_h36m(joints, predictions.joint_order), middle_of_face(joints, predictions.joint_order)


def _fill(
    poses: np.ndarray, faces: np.ndarray, frames: np.ndarray, ids: np.ndarray, times: np.ndarray, notes: list[str]
) -> np.ndarray:
    """Fill joints (D, 17, C) that are NaN, in place, by interpolation over time within each track; scores become 0.

    Returns:
        (D,) which detections to keep: those of tracks in which every joint is found in some frame.
    """
    kept, filled, lost_tracks = np.zeros(len(poses), bool), 0, []
    for track, rows in split_into_tracks(frames, ids, times, drop_noise=False)[0]:
        for joint in _HEAD:
            if np.isnan(poses[rows, joint]).any(axis=-1).all() and not np.isnan(faces[rows]).all():
                poses[rows, joint] = faces[rows]
                notes.append(
                    f'Person {track}, {H36M.joint_names[joint]}: never found, and taken as the middle of the face.'
                )
        lost, at = np.isnan(poses[rows]).any(axis=-1), times[frames[rows]]
        if lost.all(axis=0).any():
            lost_tracks.append(f'{track} ({H36M.joint_names[int(np.argmax(lost.all(axis=0)))]})')
            continue
        kept[rows] = True
        filled += int(lost.sum())
        for joint in np.flatnonzero(lost.any(axis=0)):
            gap = lost[:, joint]
            for column in range(poses.shape[-1] - 1):
                poses[rows[gap], joint, column] = np.interp(at[gap], at[~gap], poses[rows[~gap], joint, column])
            poses[rows[gap], joint, -1] = 0
    listed = ', '.join(lost_tracks[:5]) + (f' and {len(lost_tracks) - 5} more' if len(lost_tracks) > 5 else '')
    if lost_tracks:
        notes.append(f'People of whom a joint is never found, left out: {listed}.')
    if filled:
        share = 100 * filled / (kept.sum() * poses.shape[1])
        notes.append(
            f'Joints that were not found and are interpolated over time, with score 0: {filled} ({share:.1f} %).'
        )
    return kept


def knees_bend_backwards(joints: np.ndarray, bboxes: np.ndarray) -> bool:
    """Whether most knees bend backwards in poses (D, 17, 3) of u px, v px and depth m, in boxes (D, 4).

    Forward is the cross product of the vector from the left to the right hip and of the trunk. Knees are always in
    front of the line from hip to foot. The test also holds in pixels of any scale; mirrored people and depths of the
    opposite sign fail it. The mean bend below never exceeded -0.7 in any two seconds of motion capture.
    """
    hips, knees, feet = (
        joints[:, [H36M.joint_names.index(f'{s}_{j}') for s in ('right', 'left')]] for j in ('hip', 'knee', 'foot')
    )
    to_right, up = hips[:, 0] - hips[:, 1], joints[:, H36M.joint_names.index('thorax')] - joints[:, H36M.root]
    forward = np.cross(to_right, up)
    side = (bboxes[:, 2:] - bboxes[:, :2]).max(axis=1)
    bend = np.einsum('di,dki->dk', forward, knees - (hips + feet) / 2) / side[:, None] ** 2
    return bool(bend.sum() > _EXCHANGED * np.abs(bend).sum())
