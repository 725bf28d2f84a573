"""MP4 files that browsers play: H.264 with the time of every frame."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

_TICKS = 90_000  # a second; the customary clock of video


class Mp4Writer:
    """Takes frames one by one; see :func:`mp4_writer`."""

    def __init__(self, container: av.container.OutputContainer, name: Path, fps: float, crf: int) -> None:
        self._container, self._name = container, name
        self._stream = container.add_stream(
            # A key frame at least every second keeps it quick to jump about in the video. Frames that refer to later
            # ones (B-frames) would make the file's duration wrong where frames are unevenly spaced.
            'libx264',
            rate=Fraction(fps).limit_denominator(1001),
            options={'preset': 'veryfast', 'crf': str(crf), 'g': str(max(round(fps), 1)), 'bf': '0'},
        )
        self._stream.pix_fmt = 'yuv420p'
        self._duration = round(_TICKS / fps)
        self._size = self._last = None

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Append a frame.

        Args:
            picture: (H, W, 3) uint8 BGR, sides even, all frames alike.
            seconds: when it is shown, later than the one before.

        Raises:
            InputError: its size differs from the first frame's, or its time is not later.
        """
        if self._size is None:
            self._size, self._last = picture.shape, -np.inf
            self._stream.height, self._stream.width = picture.shape[:2]
            self._stream.codec_context.time_base = Fraction(1, _TICKS)
        if picture.shape != self._size:
            raise InputError(
                f'cannot write the video {self._name}: expected pictures of one size, {self._size}, got {picture.shape}'
            )
        if seconds <= self._last:
            raise InputError(
                f'cannot write the video {self._name}: expected times that increase, got {seconds:.4f} s after '
                f'{self._last:.4f} s'
            )
        self._last = seconds
        frame = av.VideoFrame.from_ndarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), format='yuv420p')
        frame.pts, frame.duration, frame.time_base = round(seconds * _TICKS), self._duration, Fraction(1, _TICKS)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what the encoder still holds."""
        if self._size is None:
            raise InputError(f'cannot write the video {self._name}: there are no frames')
        self._container.mux(self._stream.encode())


@contextmanager
def mp4_writer(path: str | Path, fps: float, crf: int = 23) -> Iterator[Mp4Writer]:
    """Write an MP4 that appears when it is complete.

    Args:
        path: the file, ending in '.mp4'.
        fps: frames a second, the mean if it varies.
        crf: x264's quality, 0 to 51; lower is better, 6 less about doubles the file.

    Yields:
        What to hand the frames to.

    Raises:
        InputError: ``path`` does not end in '.mp4', no frame was written, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix != '.mp4':
        raise InputError(f"cannot write the video {path}: expected a name that ends in '.mp4'")
    with whole_file(path) as partial:
        try:
            with av.open(str(partial), 'w', options={'movflags': 'faststart'}) as container:
                writer = Mp4Writer(container, path, fps, crf)
                yield writer
                writer.close()
        except av.FFmpegError as error:
            raise InputError(f'cannot write the video {path}: {error}') from error
