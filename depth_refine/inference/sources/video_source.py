"""Frames and their times from a video file, a folder of images, arrays, a camera or a network address."""

import os
import re
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .image_folder import IMAGES, image_numbers, list_images, read_image
from .prefetch import prefetch
from .video_file import BrokenOff, VideoFile, is_address

_CAMERA = re.compile(r'/dev/video(\d+)')  # Linux
_OF_12_BITS = 4096
_LISTED = 10  # unreadable frames named in a note
_AHEAD = 16  # decoded frames in the queue: 100 MB of full HD


class Frame(NamedTuple):
    """One frame of a video."""

    index: int  # from 0
    time: float  # seconds from the first frame
    image: np.ndarray | None  # (h, w, 3) uint8 BGR; None if it could not be read
    taken: float = 0.0  # time.monotonic() when a live source gave it


class VideoSource:
    """An iterable of :class:`Frame`, decoded in a background thread a few frames ahead; can be iterated over once.

    Frames that cannot be read have an index and a time, but no image, so that frame numbers keep their meaning.
    """

    def __init__(self, name: str, frame_count: int | None = None, is_live: bool = False) -> None:
        self.name = name  # for titles
        self.frame_count = frame_count  # known or estimated before reading, or None
        self.is_live = is_live  # a camera: it never ends, and drops frames that are not taken in time
        self.notes: list[str] = []  # on what was assumed or could not be read; complete when the iteration has ended
        self.numbers: list[int] | None = None  # of a folder's images, in their names
        self._frames: Iterator[Frame] = iter(())

    def __iter__(self) -> Iterator[Frame]:
        return prefetch(self._checked(), 1 if self.is_live else _AHEAD, newest=self.is_live)

    def _checked(self) -> Generator[Frame, None, None]:
        """The frames as BGR, all of one size; in the end adds a note on those that could not be read."""
        shape, first_unreadable, unreadable = None, [], 0
        with closing(self._frames):
            for frame in self._frames:
                image = frame.image
                if image is None:
                    unreadable += 1
                    first_unreadable += [frame.index] * (unreadable <= _LISTED)
                else:
                    if shape is None and getattr(image, 'dtype', None) == np.uint16 and image.max() < _OF_12_BITS:
                        self.notes.append(
                            f'Images of 16 bits whose values do not exceed {image.max()}: they are nearly black. If '
                            'they are of 10 or 12 bits, multiply them to fill 16.'
                        )
                    image = _bgr(image, f'frame {frame.index} of {self.name}')
                    shape = shape or image.shape
                    if image.shape != shape:
                        raise InputError(
                            f'{self.name}: expected frames of one size, got {shape[1]} x {shape[0]} px before and '
                            f'{image.shape[1]} x {image.shape[0]} px in frame {frame.index}. Give one video at a time.'
                        )
                yield frame._replace(image=image)
        if unreadable:
            listed = ', '.join(map(str, first_unreadable)) + (', ...' if unreadable > _LISTED else '')
            self.notes.append(f'Frames that cannot be read and are gaps: {unreadable}, numbers {listed}.')


def open_source(
    source: 'str | Path | int | Iterable[np.ndarray | None] | VideoSource',
    fps: float | None = None,
    usual: float = 50.0,
) -> VideoSource:
    """The frames of a video from any source.

    Images are as players show them: rotated and mirrored as the file says, with square pixels. Times count from the
    first frame, by a video file's own time stamps.

    Args:
        source: a video file; a folder of images, in natural order of their names; the index of a camera or its device,
            such as ``/dev/video0``; an address, such as ``rtsp://camera/stream`` or ``https://host/clip.mp4``; images,
            any iterable of (h, w), (h, w, 1), (h, w, 3) BGR or (h, w, 4) BGRA arrays, uint8 or uint16, all of one size,
            None where a frame is missing; or a source that is already open.
        fps: frames a second at which it was taken. A video file's times are scaled so that this is their mean rate,
            whatever the file says, as for slow motion.
        usual: frames a second of folders and arrays, which have no time stamps, if ``fps`` is None.

    Raises:
        InputError: there is no such file, folder, camera or address, it has no frames, ``fps`` is not a frame rate or
            is given for a live source. Iterating raises it for arrays of another kind, images of different sizes, and a
            live source that breaks off.

    Example:
        >>> import numpy as np
        >>> from depth_refine.inference.sources.video_source import open_source
        >>> images = np.zeros((3, 48, 64), np.uint8)  # grey
        >>> [(frame.index, frame.time, frame.image.shape) for frame in open_source(images, fps=10)]
        [(0, 0.0, (48, 64, 3)), (1, 0.1, (48, 64, 3)), (2, 0.2, (48, 64, 3))]
    """
    if isinstance(source, VideoSource):
        return source
    if fps is not None:
        require_number('fps', fps, 0.01, 100_000)
    if (number := camera_number(source)) is not None:
        return _open_camera(number, fps)
    if is_address(source):
        return _from_file(VideoFile(source, fps))
    if not isinstance(source, str | Path):
        count = len(source) if hasattr(source, '__len__') else None
        return _from_images(VideoSource('frames', count), source, fps or usual)
    path = Path(source)
    if path.is_dir() or (path.suffix.lower() in IMAGES and path.is_file()):
        files, notes = list_images(path) if path.is_dir() else ([path], [])
        opened = VideoSource(path.name, len(files))
        opened.notes += notes
        opened.numbers = image_numbers(files) if path.is_dir() else None
        return _from_images(opened, map(read_image, files), fps or usual)
    require_source(path)
    return _from_file(VideoFile(path, fps))


def require_source(source: str | Path | int) -> None:
    """Refuse (``InputError``) the path of a video at which there is nothing, before long work.

    Args:
        source: a path, a camera or an address, as in :func:`open_source`.
    """
    if camera_number(source) is None and not is_address(source):
        path = Path(source)
        if not (path.is_file() or path.is_dir()):
            raise InputError(
                f'no video {path}: give a video file, a folder of images, the number of a camera, or an address such '
                'as rtsp://camera/stream'
            )


def camera_number(source: object) -> int | None:
    """The index of a camera, given by itself or by its device; None if the source is not a camera."""
    if isinstance(source, int):
        return source
    device = isinstance(source, str | Path) and _CAMERA.fullmatch(os.path.realpath(source))
    return int(device[1]) if device else None


def _from_images(source: VideoSource, images: Iterable[np.ndarray | None], fps: float) -> VideoSource:
    source.notes.append(f'The frames have no time stamps and are taken as {fps:g} a second.')
    source._frames = (Frame(index, index / fps, image) for index, image in enumerate(images))
    return source


def _from_file(file: VideoFile) -> VideoSource:
    source = VideoSource(file.name, file.frame_count, file.is_live)
    source.notes = file.notes
    source._frames = (Frame(index, seconds, image, time.monotonic()) for index, (seconds, image) in enumerate(file))
    return source


def _open_camera(number: int, fps: float | None) -> VideoSource:
    if fps is not None:
        raise InputError(f'camera {number} is live and tells the times of its frames itself: leave fps out')
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        raise InputError(f'no camera {number}: is it connected, and not in use by another program?')
    source = VideoSource(f'camera {number}', is_live=True)

    def frames() -> Iterator[Frame]:
        started = None
        try:
            for index in count():
                read, image = capture.read()
                if not read:
                    raise BrokenOff(f'camera {number} stopped after {index} frames: is it still connected?')
                taken = time.monotonic()
                started = taken if started is None else started
                yield Frame(index, taken - started, image, taken)
        finally:
            capture.release()

    source._frames = frames()
    return source


def _bgr(image: np.ndarray, what: str) -> np.ndarray:
    """Any image as (h, w, 3) uint8, without an alpha channel."""
    if not isinstance(image, np.ndarray) or image.dtype not in (np.uint8, np.uint16) or 0 in image.shape:
        kind = f'{image.dtype} {image.shape}' if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f'{what}: expected an image of uint8 or uint16, got {kind}')
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    image = image[..., None] if image.ndim == 2 else image
    if image.ndim != 3 or image.shape[-1] not in (1, 3, 4):
        raise InputError(f'{what}: expected an image (h, w) or (h, w, 1, 3 or 4), got shape {image.shape}')
    return np.ascontiguousarray(np.repeat(image, 3, axis=2) if image.shape[-1] == 1 else image[..., :3])
