"""Frames and their times from a video file, a folder of images, arrays or a camera."""

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .prefetch import prefetch

_IMAGES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
_EXPECTED = 'Expected a file such as .mp4, .mov, .avi, .mkv or .webm.'
_AHEAD = 16  # decoded frames that wait: 100 MB of full HD


class Frame(NamedTuple):
    """One frame of a video; ``image`` (h, w, 3) uint8 BGR, or nothing where it could not be read."""

    index: int
    time: float  # seconds
    image: np.ndarray | None


class VideoSource:
    """An iterable of :class:`Frame`, decoded in a thread of its own a few frames ahead; can be iterated over once.

    Frames that cannot be read are counted and have a time, but no image, so that numbers of frames keep their meaning.
    """

    def __init__(self, name: str, frame_count: int | None = None, is_live: bool = False) -> None:
        self.name = name  # for titles
        self.frame_count = frame_count  # as far as known, or estimated, before reading them
        self.is_live = is_live  # a camera, which never ends and drops frames that nobody takes in time
        self.started = time.monotonic()  # of a camera: its time 0
        self.notes: list[str] = []  # on what was assumed or could not be read; complete when the iteration has ended
        self._frames: Iterator[Frame] = iter(())

    def __iter__(self) -> Iterator[Frame]:
        return prefetch(self._checked(), 1 if self.is_live else _AHEAD, newest=self.is_live)

    def _checked(self) -> Generator[Frame, None, None]:
        """The frames, as BGR and as long as they are of one size, and in the end a note on what could not be read."""
        shape, unreadable = None, []
        with closing(self._frames):
            for index, seconds, image in self._frames:
                if image is None:
                    unreadable.append(index)
                else:
                    image = _bgr(image, f'frame {index} of {self.name}')
                    shape = shape or image.shape
                    if image.shape != shape:
                        raise InputError(
                            f'{self.name}: expected frames of one size, got {shape[1]} x {shape[0]} px before and '
                            f'{image.shape[1]} x {image.shape[0]} px in frame {index}. Give one video at a time.'
                        )
                yield Frame(index, seconds, image)
        if unreadable:
            listed = ', '.join(map(str, unreadable[:10])) + (', ...' if len(unreadable) > 10 else '')
            self.notes.append(f'Frames that cannot be read and are gaps: {len(unreadable)}, numbers {listed}.')


def open_source(source: str | Path | int | Iterable[np.ndarray | None], fps: float = 50.0) -> VideoSource:
    """Open a video.

    Rotation stored in a video file or photograph is applied. Times are a video file's own time stamps.

    Args:
        source: a video file; a folder of images, in the order of their names; the index of a camera; or images, any
            iterable of (h, w), (h, w, 1), (h, w, 3) BGR or (h, w, 4) BGRA arrays, uint8 or uint16, all of one size,
            None where a frame is missing.
        fps: frames a second of folders and arrays, which have no time stamps.

    Raises:
        InputError: there is no such file or folder, it has no frames, or ``fps`` is no rate. Iterating raises it too,
            for arrays of another kind and images of different sizes.
    """
    require_number('fps', fps, 0.01, 100_000)
    if isinstance(source, int):
        return _open_camera(source)
    if not isinstance(source, str | Path):
        return _from_images(VideoSource('frames', len(source) if hasattr(source, '__len__') else None), source, fps)
    path = Path(source)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in _IMAGES)
        if not files:
            raise InputError(f'the folder {path} has no images: expected files that end in {", ".join(_IMAGES)}')
        images = (cv2.imread(str(file), cv2.IMREAD_COLOR) for file in files)
        return _from_images(VideoSource(path.name, len(files)), images, fps)
    if not path.is_file():
        raise InputError(f'no video {path}: give a video file, a folder of images, or the number of a camera')
    return _open_file(path)


def _from_images(source: VideoSource, images: Iterable[np.ndarray | None], fps: float) -> VideoSource:
    source.notes.append(f'The frames have no time stamps and are taken as {fps:g} a second.')
    source._frames = (Frame(index, index / fps, image) for index, image in enumerate(images))
    return source


def _open_file(path: Path) -> VideoSource:
    try:
        container = av.open(str(path), metadata_errors='replace')
    except (av.FFmpegError, OSError) as error:
        reason = 'it is empty' if path.stat().st_size == 0 else f'FFmpeg says: {error.strerror}'
        raise InputError(f'{path} is not a video, or is a damaged one ({reason}). {_EXPECTED}') from error
    if not container.streams.video:
        container.close()
        raise InputError(f'{path} has sound or data, but no video. {_EXPECTED}')
    stream = container.streams.video[0]
    duration = (container.duration or 0) / av.time_base
    source = VideoSource(path.name, stream.frames or round(duration * (stream.average_rate or 0)) or None)

    def frames() -> Iterator[Frame]:
        readable, index, seconds = False, -1, 0.0
        with container:
            for index, (seconds, image) in enumerate(_decode(container, stream)):
                readable |= image is not None
                yield Frame(index, seconds, image)
        if not readable:
            raise InputError(f'{path}: not one of its frames can be decoded. The file is damaged; copy it again.')
        if index + 1 < stream.frames or seconds + 1 < duration:
            stated = f'{stream.frames} frames' if stream.frames else f'{duration:.2f} s'
            found = f'{index + 1} frames up to {seconds:.2f} s'
            source.notes.append(f'The file may be cut short: it states {stated}, and {found} are in it.')

    source._frames = frames()
    return source


def _decode(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> Iterator[tuple[float, np.ndarray | None]]:
    """Times and upright images of a stream, ascending; no image where the decoder fails or reports damage."""
    interval = float(1 / (stream.average_rate or 50))
    before, lost = -np.inf, []  # lost: times of frames not handed on yet, as packets come in another order than frames
    for packet in container.demux(stream):
        try:
            decoded = packet.decode()
        except av.FFmpegError:
            lost.append(float(packet.pts * packet.time_base) if packet.pts is not None else np.inf)
            continue
        for frame in decoded:
            now = frame.time if frame.time is not None and frame.time > before else max(before + interval, 0.0)
            yield from ((missed, None) for missed in sorted(set(lost)) if before < missed < now)
            lost = [missed for missed in lost if missed > now]
            # rotation is anticlockwise, in whole quarters
            image = None if frame.is_corrupt else np.rot90(frame.to_ndarray(format='bgr24'), frame.rotation // 90)
            yield now, image if image is None else np.ascontiguousarray(image)
            before = now
    yield from ((missed, None) for missed in sorted(set(lost)) if before < missed < np.inf)


def _open_camera(number: int) -> VideoSource:
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        raise InputError(f'no camera {number}: is it connected, and not in use by another program?')
    source = VideoSource(f'camera {number}', is_live=True)

    def frames() -> Iterator[Frame]:
        try:
            for index in count():
                read, image = capture.read()
                if not read:
                    raise InputError(f'camera {number} stopped after {index} frames: is it still connected?')
                yield Frame(index, time.monotonic() - source.started, image)
        finally:
            capture.release()

    source._frames = frames()
    return source


def _bgr(image: np.ndarray, what: str) -> np.ndarray:
    """Any image to (h, w, 3) uint8; an alpha channel is left out."""
    if not isinstance(image, np.ndarray) or image.dtype not in (np.uint8, np.uint16) or 0 in image.shape:
        kind = f'{image.dtype} {image.shape}' if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f'{what}: expected an image of uint8 or uint16, got {kind}')
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    image = image[..., None] if image.ndim == 2 else image
    if image.ndim != 3 or image.shape[-1] not in (1, 3, 4):
        raise InputError(f'{what}: expected an image (h, w) or (h, w, 1, 3 or 4), got shape {image.shape}')
    return np.ascontiguousarray(np.repeat(image, 3, axis=2) if image.shape[-1] == 1 else image[..., :3])
