"""Frames of a video or of a folder of images, one after the other.

A video with a frame that cannot be decoded is refused, since later frames would get the poses of others.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np

from depth_refine.utils.video_decoding import best_stream, decode, to_image

from .raw_files import SequenceError


class VideoFile:
    """The frames of a video in its stored pixels, whatever their aspect ratio: annotations of data sets refer to these.

    Attributes:
        count: number of frames, as stated by the header.
        size: of the file, bytes.
        original: None, since frames of a video are not files.
    """

    original: bytes | None = None

    def __init__(self, path: Path) -> None:
        self.count, self.size = 0, path.stat().st_size
        self._frames = self._decode(path)
        next(self._frames, None)

    def _decode(self, path: Path) -> Iterator[av.VideoFrame | None]:
        """None when the header is read, then the frames."""
        reopen = partial(av.open, f'file:{path}', metadata_errors='replace')
        try:
            with reopen() as container:
                stream = best_stream(container, reopen)
                if stream is None:
                    return
                seconds = (container.duration or 0) / av.time_base
                self.count = stream.frames or round(seconds * (stream.average_rate or 0))
                yield None
                for number, (_, frame) in enumerate(decode(container, stream), start=1):
                    if frame is None:
                        raise SequenceError(f'{path}: frame {number} cannot be decoded: download or unpack it again')
                    yield frame
        except av.FFmpegError:  # a truncated file: the frames before have been read
            return

    def skip(self) -> bool:
        """Pass over the next frame; false if there is none."""
        return next(self._frames, None) is not None

    def read(self) -> np.ndarray | None:
        """The next frame, (h, w, 3) BGR; None if there is none."""
        frame = next(self._frames, None)
        return None if frame is None else to_image(frame)


class ImageFolder:
    """The images ``img_000001.jpg``, ``img_000002.jpg`` and so on of a folder, up to the first that is missing.

    Attributes:
        count: number of images.
        size: of all files together, bytes.
        original: content of the file that was read last.
    """

    original: bytes | None = None

    def __init__(self, path: Path) -> None:
        sizes = {file.name: file.stat().st_size for file in path.glob('img_*.jpg')}
        self.count, self.size = len(sizes), sum(sizes.values())
        self._path, self._number = path, 0

    def _next(self) -> Path:
        self._number += 1
        return self._path / f'img_{self._number:06d}.jpg'

    def skip(self) -> bool:
        """Pass over the next frame; false if there is none."""
        return self._next().is_file()

    def read(self) -> np.ndarray | None:
        """The next frame, (h, w, 3) BGR; None if there is none, or it cannot be decoded."""
        path = self._next()
        if not path.is_file():
            return None
        self.original = path.read_bytes()
        return cv2.imdecode(np.frombuffer(self.original, np.uint8), cv2.IMREAD_COLOR) if self.original else None


def open_frames(path: Path) -> VideoFile | ImageFolder:
    """The frames of a video file, or of a folder of images."""
    return ImageFolder(path) if path.is_dir() else VideoFile(path)
