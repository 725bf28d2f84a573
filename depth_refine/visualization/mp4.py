"""MP4 files that browsers play: H.264 with the time of every frame."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

_CANNOT = 'cannot write the video'
_TICKS = 90_000  # per second, the usual clock of video


def write_mp4(frames: Iterable[tuple[float, np.ndarray]], path: str | Path, fps: float, crf: int = 23) -> None:
    """Write an MP4 file, which appears when it is complete.

    Args:
        frames: pairs of the time at which a frame is shown, ascending seconds, and the frame (H, W, 3) uint8 BGR, with
            even sides, all of one size; a generator is consumed frame by frame.
        path: the file, ending in '.mp4'.
        fps: frames a second, the mean if the rate varies.
        crf: x264's constant rate factor, 0 to 51; lower is better, and 6 less about doubles the file's size.

    Raises:
        InputError: ``path`` does not end in '.mp4', there is no frame, a frame's size differs from the first one's, a
            time is not later than the one before, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix != '.mp4':
        raise InputError(f"{_CANNOT} {path}: expected a name that ends in '.mp4'")
    with whole_file(path) as partial:
        try:
            with av.open(str(partial), 'w', options={'movflags': 'faststart'}) as container:
                _encode(frames, container, path, fps, crf)
        except av.FFmpegError as error:
            raise InputError(f'{_CANNOT} {path}: {error}') from error


def _encode(frames, container: av.container.OutputContainer, path: Path, fps: float, crf: int) -> None:
    # A key frame every second keeps seeking fast. Frames that refer to later ones (B-frames) would make the file's
    # duration wrong where frames are unevenly spaced.
    options = {'preset': 'veryfast', 'crf': str(crf), 'g': str(max(round(fps), 1)), 'bf': '0'}
    stream = container.add_stream('libx264', rate=Fraction(fps).limit_denominator(1001), options=options)
    stream.pix_fmt = 'yuv420p'
    shape, last = None, -np.inf
    for seconds, image in frames:
        if shape is None:
            shape = image.shape
            stream.height, stream.width = shape[:2]
            stream.codec_context.time_base = Fraction(1, _TICKS)
        if image.shape != shape:
            raise InputError(f'{_CANNOT} {path}: expected images of one size, {shape}, got {image.shape}')
        if seconds <= last:
            raise InputError(f'{_CANNOT} {path}: expected times that increase, got {seconds:.4f} s after {last:.4f} s')
        last = seconds
        frame = av.VideoFrame.from_ndarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), format='yuv420p')
        frame.pts, frame.duration = round(seconds * _TICKS), round(_TICKS / fps)
        frame.time_base = Fraction(1, _TICKS)
        container.mux(stream.encode(frame))
    if shape is None:
        raise InputError(f'{_CANNOT} {path}: there are no frames')
    container.mux(stream.encode())
