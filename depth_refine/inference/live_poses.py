"""Refined poses of a stream, frame by frame."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from depth_refine.structures.camera import make_camera
from depth_refine.structures.intrinsics import Intrinsics

from .people.first_stage import FirstStage
from .people.motion_tracker import MAX_GAP
from .people.person_boxes import PersonBoxes
from .people.tracking import Observations, PersonFinder
from .sources.video_source import Frame, VideoSource
from .stages import SecondStage


@dataclass
class LivePerson:
    """One person in one frame of a stream."""

    track_id: int
    bbox: np.ndarray  # (4,) px, x1 y1 x2 y2
    measured: np.ndarray  # (K, 5) measurements, see FirstStage
    keypoints_3d: np.ndarray  # (K, 3) metres, root-relative, camera axes, refined from this and earlier frames

    @property
    def keypoints(self) -> np.ndarray:
        """Pixels (K, 2) of the joints, from the first stage."""
        return self.measured[:, :2]

    @property
    def scores(self) -> np.ndarray:
        """Confidences (K,) of the first stage, 0 to 1."""
        return self.measured[:, 3]


@dataclass
class LiveFrame:
    """A frame, its people, and the delay: seconds from taking the frame to having their poses."""

    frame: Frame
    people: list[LivePerson]
    delay: float


def live_poses(
    video: VideoSource,
    person_boxes: PersonBoxes,
    first_stage: FirstStage,
    second_stage: SecondStage,
    intrinsics: Intrinsics | None = None,
) -> Iterator[LiveFrame]:
    """The people of every frame of a stream, refined as it comes; memory does not grow.

    A person who was away for more than a second starts again, without a past.

    Args:
        video: a camera, or any other source.
        person_boxes: gives the boxes of a frame's people.
        first_stage: measures everyone in every frame that comes.
        second_stage: a causal refiner.
        intrinsics: of the camera, see :func:`make_camera`.

    Raises:
        InputError: the refiner is not causal; see also :class:`VideoSource`.
    """
    find = PersonFinder(person_boxes)
    tracks: dict[int, _LiveTrack] = {}
    camera = None
    for frame in video:
        if camera is None and frame.image is not None:
            camera, _ = make_camera(frame.image.shape[1::-1], intrinsics, cameras=second_stage.cameras)
            second_stage.stream(camera)  # an unfit refiner is refused now, not when the first person comes
        taken = frame.taken if video.is_live else time.monotonic()
        found = find(frame)
        measurements = first_stage((frame.image, crop) for _, _, crop in found)
        tracks = {person: track for person, track in tracks.items() if frame.time - track.time <= MAX_GAP}
        people = []
        for (person, bbox, _), measured in zip(found, measurements, strict=True):
            if person not in tracks:
                refine = second_stage.stream(camera)
                tracks[person] = _LiveTrack(refine, 1 / second_stage.rate, frame.time, measured)
            pose = tracks[person].update(frame.time, measured)
            people.append(LivePerson(person, bbox, measured, pose))
        yield LiveFrame(frame, people, time.monotonic() - taken)


class LiveRecord:
    """Measurements of a stream's frames, numbered from 0, from which its poses can be made like those of a video.

    Args:
        video: the source of the stream.
    """

    def __init__(self, video: VideoSource) -> None:
        self.video = video
        self.size: tuple[int, int] | None = None  # width and height of the frames, px
        self.times: list[float] = []  # seconds
        self._found: list[tuple] = []

    def add(self, live: LiveFrame) -> None:
        """Keep time and measurements of a frame that has an image."""
        self.size = live.frame.image.shape[1::-1]
        self._found += [(len(self.times), who.track_id, who.bbox, who.measured) for who in live.people]
        self.times.append(live.frame.time)

    def observations(self, num_joints: int) -> Observations:
        """The observations of a video of the kept frames, for a skeleton of ``num_joints``."""
        frames, ids, bboxes, measured = zip(*self._found, strict=True) if self._found else ((), (), (), ())
        return Observations(
            self.size,
            np.array(self.times),
            np.array(frames, int),
            np.array(ids, int),
            np.reshape(bboxes, (-1, 4)).astype(np.float32),
            np.reshape(measured, (-1, num_joints, 5)).astype(np.float32),
            [],
        )


class _LiveTrack:
    """One person's past, resampled from the stream's frame rate to that of the refiner's training.

    Measurements are interpolated between two frames, so that the newest pose is up to one frame interval of the
    training older than the frame.
    """

    def __init__(self, refine: Callable, interval: float, time: float, measured: np.ndarray) -> None:
        self.time = self._next = time
        self._refine, self._interval, self._measured = refine, interval, measured

    def update(self, time: float, measured: np.ndarray) -> np.ndarray:
        """The refined pose (K, 3) at the last step up to ``time``, seconds."""
        while self._next <= time + 1e-6:
            share = (self._next - self.time) / (time - self.time) if time > self.time else 1.0
            self._pose = self._refine(self._measured * (1 - share) + measured * share)
            self._next += self._interval
        self.time, self._measured = time, measured
        return self._pose
