"""The window and the recording of a camera, for tools/infer_video.py."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import cv2
import numpy as np

from depth_refine.inference import VideoPoseInferencer
from depth_refine.inference.live_poses import LiveFrame, LiveRecord
from depth_refine.inference.people.person_boxes import PersonBoxes
from depth_refine.inference.sources.video_file import BrokenOff
from depth_refine.inference.sources.video_source import VideoSource
from depth_refine.structures import Skeleton
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.utils.atomic import whole_folder
from depth_refine.utils.errors import InputError
from depth_refine.visualization import PoseFrame
from depth_refine.visualization.mp4 import write_mp4
from depth_refine.visualization.pose_strip import draw_strip
from video.output import write_all

_RATE = 30.0  # nominal frames a second of recordings; each frame has its own time
_QUALITY = 18  # x264's constant rate factor, nearly lossless


def watch_camera(
    inferencer: VideoPoseInferencer,
    video: VideoSource,
    out: str | None,
    boxes: str | PersonBoxes | None,
    intrinsics: Intrinsics | None,
    **options: Any,
) -> None:
    """Show a camera's poses as they come, and write recording and poses in the end if a folder is given.

    Args:
        inferencer: with a causal refiner.
        video: the camera.
        out: the folder to make, for the recording and the files of its poses; None writes nothing.
        boxes: source of bounding boxes, see :class:`VideoPoseInferencer`.
        intrinsics: of the camera.
        options: further options of the inferencer, for the poses that are written.
    """
    stream = inferencer.stream(video, boxes, intrinsics)
    frames = shown(stream, inferencer.second_stage.skeleton, out is not None)
    if out is None:
        for _ in frames:
            pass
        return
    with whole_folder(out) as folder:
        recording = folder / 'recording.mp4'
        kept = record(frames, video, recording)
        write_all(inferencer(kept, boxes, intrinsics, **options), recording, folder)
    print(f'wrote {out}')


def shown(stream: Iterable[LiveFrame], skeleton: Skeleton, is_recorded: bool) -> Iterator[LiveFrame]:
    """The frames of a stream, each shown with its nearest person, until q or Ctrl-C is pressed or the stream ends.

    Raises:
        InputError: there is no display, and the stream is not recorded.
    """
    has_window, key = True, -1
    with _interruption() as interrupted:
        for live in stream:
            if has_window:
                try:
                    cv2.imshow('depth_refine', _strip(live, skeleton))
                    key = cv2.waitKey(1)
                except cv2.error as error:
                    if not is_recorded:
                        message = 'a camera needs a window, or --out: OpenCV finds no display, or is the headless one'
                        raise InputError(message) from error
                    has_window = False
                    print('no display: nothing is shown; Ctrl-C ends the recording', flush=True)
            yield live
            if interrupted.is_set() or key == ord('q'):
                break


def record(frames: Iterable[LiveFrame], video: VideoSource, path: Path) -> LiveRecord:
    """Write the frames of a stream as a video, as they come; the result is the record of their measurements.

    It ends when the frames end or the source breaks off.
    """
    kept = LiveRecord(video)

    def images() -> Iterator[tuple[float, np.ndarray]]:
        try:
            for live in frames:
                if live.frame.image is not None:
                    kept.add(live)
                    yield live.frame.time, _even(live.frame.image)
        except BrokenOff as error:
            if not kept.times:
                raise
            video.notes.append(f'The recording ends early: {error}')

    write_mp4(images(), path, _RATE, _QUALITY)
    return kept


def _strip(live: LiveFrame, skeleton: Skeleton) -> np.ndarray:
    keypoints, predictions = None, {}
    if live.people:
        person = max(live.people, key=lambda person: np.prod(person.bbox[2:] - person.bbox[:2]))
        keypoints, predictions = person.keypoints, {'refined': person.keypoints_3d}
    title = f'{1000 * live.delay:.0f} ms behind; q ends'
    return draw_strip(PoseFrame(skeleton, live.frame.image, keypoints, None, predictions, title), 50, crop=False)


def _even(image: np.ndarray) -> np.ndarray:
    """The image with its last row and column repeated where their number is odd: H.264 needs even sizes."""
    height, width = image.shape[:2]
    return cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)


@contextmanager
def _interruption() -> Iterator[Event]:
    """An event that the first Ctrl-C sets, instead of interrupting the program."""
    interrupted, before = Event(), signal.getsignal(signal.SIGINT)

    def interrupt(*_: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
