"""From a video to the 3D poses of its people."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

from depth_refine.functional.camera import back_project
from depth_refine.functional.root_trajectory import estimate_root_trajectory
from depth_refine.structures.camera import check_camera, make_camera
from depth_refine.structures.video_poses import PoseTrack, VideoPoses
from depth_refine.utils.errors import InputError

from .live_poses import LiveFrame, live_poses
from .person_boxes import BoxFile, PersonBoxes, whole_frame
from .resampling import has_rate, interpolate, uniform_times
from .stages import FirstStage, SecondStage, check_fit
from .tracking import Observations, observe, split_into_tracks
from .training_camera import undistorted
from .video_source import open_source

_SMOOTH = 4.0  # px / m for every px of the frame's longer side, see estimate_root_trajectory
_BOX_METRES = 2.0  # across a person's box, where nothing else tells the distance


class VideoPoseInferencer:
    """Both trained stages behind one call, in the manner of MMPose's inferencers.

    Args:
        stage1_config: config of the first stage, or its file.
        stage1_checkpoint: its checkpoint.
        stage2_config: config of the refiner, or its file.
        stage2_checkpoint: its checkpoint.
        device: where to run; by default a GPU if there is one.
        batch_size: crops that go through the first stage together.
        amp: run both stages in bfloat16, see :func:`depth_refine.models.optimise_for_inference`.

    Raises:
        InputError: a file is missing, a checkpoint does not belong to its config, or the stages do not fit together.
    """

    def __init__(
        self,
        stage1_config: str | Path | Config,
        stage1_checkpoint: str | Path,
        stage2_config: str | Path | Config,
        stage2_checkpoint: str | Path,
        device: str | None = None,
        batch_size: int = 32,
        amp: bool = False,
    ) -> None:
        device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
        self.first_stage = FirstStage(stage1_config, stage1_checkpoint, device, batch_size, amp)
        self.second_stage = SecondStage(stage2_config, stage2_checkpoint, device, amp)
        check_fit(self.first_stage, self.second_stage)

    def __call__(
        self,
        source: str | Path | Iterable[np.ndarray | None],
        boxes: str | Path | PersonBoxes = 'whole',
        intrinsics: Sequence[float] | None = None,
        extrinsics: dict | None = None,
        fps: float | None = None,
        smooth: float | None = None,
    ) -> VideoPoses:
        """Find the 3D poses of everyone in a video.

        The refiner gets every track as a whole, at the frame rate of its training; the poses of a video with other
        times are interpolated from there to its frames. Where a person is not found for up to a second, the first
        stage's results are interpolated; after longer, the person is a new track. What is done is said in the notes of
        the result.

        Args:
            source: a video file, a folder of images, or images, see :func:`open_source`.
            boxes: where the people are: ``'whole'``, one person who fills the frame; a file, see :class:`BoxFile`; or a
                detector, any function as in :mod:`person_boxes`.
            intrinsics: of the camera, fx, fy, cx, cy, px, or with distortion; by default assumed, see
                :func:`make_camera`.
            extrinsics: ``R`` and ``T``, see :func:`make_camera`, if the world frame is known.
            fps: frames a second of sources without time stamps; by default that of the refiner's training.
            smooth: how much the path of the root is smoothed, px / m, see :func:`estimate_root_trajectory`; by default
                4 times the longer side of the frames.

        Returns:
            The poses. ``keypoints_3d_first`` is back-projected at the distance of the refined pose's root, as the first
            stage alone does not tell it. Nobody in the video means no tracks and a note.

        Raises:
            InputError: the video, the boxes or the camera cannot be used.
        """
        video = open_source(source, self.second_stage.rate if fps is None else fps)
        if video.is_live:
            raise InputError(f'{video.name} never ends: use stream()')
        boxes = _person_boxes(boxes)
        check_camera(intrinsics, extrinsics)
        seen = observe(video, boxes, self.first_stage)
        camera, camera_source = make_camera(seen.size, intrinsics, extrinsics, self.second_stage.cameras)
        notes = video.notes + self.first_stage.notes + self.second_stage.notes + seen.notes
        skeleton = self.second_stage.skeleton
        result = VideoPoses(video.name, skeleton, seen.size, seen.times, camera, camera_source, notes=notes)
        if isinstance(boxes, BoxFile) and (late := int(np.sum(boxes.frames >= len(seen.times)))):
            result.notes.append(f'Boxes of {boxes.path.name} for frames after the last one: {late}.')
        if boxes is whole_frame:
            result.notes.append('Nobody was looked for: one person is taken to fill every frame.')
        known_ids = boxes is whole_frame or isinstance(boxes, BoxFile)
        people, notes = split_into_tracks(seen.frames, seen.ids, seen.times, drop_noise=not known_ids)
        result.notes += notes
        if not people:
            result.notes.append('No person was found.')
        smooth = _SMOOTH * max(seen.size) if smooth is None else smooth
        for track_id, rows in people:
            result.tracks.append(self._refine(track_id, rows, seen, result, smooth))
        return result

    def stream(
        self,
        source: str | Path | int | Iterable[np.ndarray | None],
        boxes: str | Path | PersonBoxes = 'whole',
        intrinsics: Sequence[float] | None = None,
        fps: float | None = None,
    ) -> Iterator[LiveFrame]:
        """Find the poses of a camera's people frame by frame; needs a causal refiner.

        Args:
            source: the index of a camera, or what :meth:`__call__` takes.
            boxes: as in :meth:`__call__`.
            intrinsics: as in :meth:`__call__`.
            fps: frames a second of sources without time stamps; by default that of the refiner's training.

        Yields:
            Every frame of the source; of a camera, every frame that is the newest when the one before is done.

        Raises:
            InputError: the refiner is not causal, or source or boxes cannot be used.
        """
        check_camera(intrinsics)
        video = open_source(source, self.second_stage.rate if fps is None else fps)
        return live_poses(video, _person_boxes(boxes), self.first_stage, self.second_stage, intrinsics)

    def _refine(
        self, track_id: int, rows: np.ndarray, seen: Observations, result: VideoPoses, smooth: float
    ) -> PoseTrack:
        """One person, seen in some rows of the observations, through the second stage and into space."""
        found = seen.frames[rows]
        frames = np.arange(found[0], found[-1] + 1)
        times, rate = seen.times[frames], self.second_stage.rate
        measurements, bboxes = (
            interpolate(values[rows], seen.times[found], times, smooth=False)
            for values in (seen.measurements, seen.bboxes)
        )
        is_interpolated = ~np.isin(frames, found)
        if is_interpolated.any():
            result.notes.append(f'Person {track_id}, interpolated frames in gaps: {is_interpolated.sum()}.')

        inputs = measurements
        if resampled := not has_rate(times, rate):
            note = (
                f'The refiner was trained at {rate:g} frames a second: its inputs are interpolated to that rate, and '
                "its poses back to the times of the video's frames."
            )
            result.notes += [note] if note not in result.notes else []
            at = uniform_times(times, rate)
            inputs = interpolate(measurements, times, at, smooth=True)
            inputs[..., 3:] = inputs[..., 3:].clip(min=0)  # a curve through confidences near 0 dips below
        poses = self.second_stage(inputs, result.camera)
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
        depth = measurements[..., 2]
        first = back_project(measurements[..., :2], depth + distance[:, None], result.camera)
        return PoseTrack(
            track_id=track_id,
            frames=frames,
            bboxes=bboxes,
            scores=measurements[..., 3],
            keypoints=measurements[..., :2],
            depth=depth,
            depth_std=measurements[..., 4],
            keypoints_3d_first=(first - first[:, [self.second_stage.skeleton.root]]).astype(np.float32),
            keypoints_3d=poses,
            is_interpolated=is_interpolated,
            root=root,
        )


def _person_boxes(boxes: str | Path | PersonBoxes) -> PersonBoxes:
    if isinstance(boxes, str) and boxes == 'whole':
        return whole_frame
    return BoxFile(boxes) if isinstance(boxes, str | Path) else boxes
