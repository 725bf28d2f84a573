"""From a video to the 3D poses of its people."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

from depth_refine.functional.camera import back_project
from depth_refine.functional.root_trajectory import estimate_root_trajectory
from depth_refine.structures.skeleton import ROOT
from depth_refine.structures.video_poses import PoseTrack, VideoPoses
from depth_refine.utils.errors import InputError

from .camera_model import check_camera, make_camera, undistorted
from .live_poses import LiveFrame, live_poses
from .observations import Observations, observe
from .person_boxes import BoxFile, PersonBoxes, whole_frame
from .resampling import fill_gaps, has_rate, resample, uniform_times
from .stages import FirstStage, SecondStage, check_fit
from .tracking import Sightings, split_into_tracks
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
        amp: run both stages in half precision, the first in bfloat16, the second as under autocast.

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
        fps: float = 50.0,
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
            fps: frames a second of sources without time stamps.
            smooth: how much the path of the root is smoothed, px / m, see :func:`estimate_root_trajectory`; by default
                4 times the longer side of the frames.

        Returns:
            The poses. ``keypoints_3d_first`` is back-projected at the distance of the refined pose's root, as the first
            stage alone does not tell it. Nobody in the video means no tracks and a note.

        Raises:
            InputError: the video, the boxes or the camera cannot be used.
        """
        video = open_source(source, fps)
        if video.is_live:
            raise InputError(f'{video.name} never ends: use stream()')
        boxes = _person_boxes(boxes)
        check_camera(intrinsics, extrinsics)
        seen = observe(video, boxes, self.first_stage)
        camera, camera_source = make_camera(seen.size, intrinsics, extrinsics)
        notes = video.notes + self.first_stage.notes + seen.notes
        result = VideoPoses(video.name, seen.size, seen.times, camera, camera_source, notes=notes)
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
        for person in people:
            result.tracks.append(self._refine(person, seen, result, smooth))
        return result

    def stream(
        self,
        source: str | Path | int | Iterable[np.ndarray | None],
        boxes: str | Path | PersonBoxes = 'whole',
        intrinsics: Sequence[float] | None = None,
        fps: float = 50.0,
    ) -> Iterator[LiveFrame]:
        """Find the poses of a camera's people frame by frame; needs a causal refiner.

        Args:
            source: the index of a camera, or what :meth:`__call__` takes.
            boxes: as in :meth:`__call__`.
            intrinsics: as in :meth:`__call__`.
            fps: frames a second of sources without time stamps.

        Yields:
            Every frame of the source; of a camera, every frame that is the newest when the one before is done.

        Raises:
            InputError: the refiner is not causal, or source or boxes cannot be used.
        """
        check_camera(intrinsics)
        video = open_source(source, fps)
        return live_poses(video, _person_boxes(boxes), self.first_stage, self.second_stage, intrinsics)

    def _refine(self, person: Sightings, seen: Observations, result: VideoPoses, smooth: float) -> PoseTrack:
        """One person's track, through the second stage and into space."""
        frames = np.arange(person.frames[0], person.frames[-1] + 1)
        known, times, rate = seen.times[person.frames], seen.times[frames], self.second_stage.rate
        measurements = fill_gaps(seen.measurements[person.rows], known, times)
        bboxes = fill_gaps(seen.bboxes[person.rows], known, times)
        is_interpolated = ~np.isin(frames, person.frames)
        if is_interpolated.any():
            result.notes.append(f'Person {person.track_id}, interpolated frames in gaps: {is_interpolated.sum()}.')

        if resampled := not has_rate(times, rate):
            note = (
                f'The refiner was trained at {rate:g} frames a second: its inputs are interpolated to that rate, and '
                "its poses back to the times of the video's frames."
            )
            result.notes += [note] if note not in result.notes else []
        at = uniform_times(times, rate) if resampled else times
        inputs = measurements
        if resampled:
            inputs = resample(measurements, times, at)
            inputs[..., 3:] = inputs[..., 3:].clip(min=0)  # a curve through confidences near 0 dips below
        poses = self.second_stage(inputs, result.camera)
        root = self._root(poses, inputs, result, smooth, person.track_id)
        if resampled:
            poses = resample(poses, at, times)
            root = None if root is None else resample(root, at, times)

        distance = self._assumed_distance(bboxes, result.camera) if root is None else root[:, 2]
        depth = measurements[..., 2]
        first = back_project(measurements[..., :2], depth + distance[:, None], result.camera)
        return PoseTrack(
            track_id=person.track_id,
            frames=frames,
            bboxes=bboxes,
            scores=measurements[..., 3],
            keypoints=measurements[..., :2],
            depth=depth,
            depth_std=measurements[..., 4],
            keypoints_3d_first=(first - first[:, [ROOT]]).astype(np.float32),
            keypoints_3d=poses,
            is_interpolated=is_interpolated,
            root=root,
        )

    @staticmethod
    def _root(
        poses: np.ndarray, measurements: np.ndarray, result: VideoPoses, smooth: float, track_id: int
    ) -> np.ndarray | None:
        """(T, 3) path of the root, or nothing and a note where poses and pixels tell none."""
        focal, center = np.ravel(result.camera['f']), np.ravel(result.camera['c'])
        pixels = undistorted(measurements[..., :2], result.camera)
        try:
            root = estimate_root_trajectory(poses, pixels, focal, center, weights=measurements[..., 3], smooth=smooth)
        except InputError as error:
            result.notes.append(f'Person {track_id}: no position in space, since {error}')
            return None
        return root.astype(np.float32)

    @staticmethod
    def _assumed_distance(bboxes: np.ndarray, camera: dict) -> np.ndarray:
        """(T,) metres from the camera of people whose boxes are 2 m across."""
        return np.max(camera['f']) * _BOX_METRES / (bboxes[:, 2:] - bboxes[:, :2]).max(axis=1)


def _person_boxes(boxes: str | Path | PersonBoxes) -> PersonBoxes:
    if isinstance(boxes, str) and boxes == 'whole':
        return whole_frame
    return BoxFile(boxes) if isinstance(boxes, str | Path) else boxes
