"""Frames one after the other, from a video or from a folder of images."""

from pathlib import Path

import cv2
import numpy as np


class VideoFile:
    """The frames of a video.

    Attributes:
        count: how many frames its header says it has.
        size: of the file, bytes.
        original: None; a frame of a video is not a file of its own.
    """

    original: bytes | None = None

    def __init__(self, path: Path) -> None:
        self._capture = cv2.VideoCapture(str(path))
        self.count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.size = path.stat().st_size

    def skip(self) -> bool:
        """Pass over the next frame; false if there is none."""
        return self._capture.grab()

    def read(self) -> np.ndarray | None:
        """The next frame, (h, w, 3) BGR; None if there is none."""
        return self._capture.retrieve()[1] if self.skip() else None


class ImageFolder:
    """The images ``img_000001.jpg``, ``img_000002.jpg`` and so on of a folder; the first that is missing ends them.

    Attributes:
        count: how many images there are.
        size: of all files together, bytes.
        original: the file of the frame that was read last.
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
