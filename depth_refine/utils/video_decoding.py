"""Video decoding through FFmpeg: the right stream of a file, its frames with gaps for damaged ones, upright images."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import av
import cv2
import numpy as np
from av.stream import Disposition

_NO_VIDEOS = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
_COUNTED = 1000  # frames of all videos; one that has a single frame among them is a still image
_SQUARE = 0.01  # encoders round: an aspect this close to 1 is square
_ASPECTS = 1 / 4, 4.0  # others come from damaged headers


def best_stream(
    container: av.container.InputContainer, reopen: Callable[[], av.container.InputContainer] | None = None
) -> av.video.stream.VideoStream | None:
    """The video among a file's streams: not a cover or still image, and of several the one with the most pixels.

    Args:
        container: the file; nothing is read from it.
        reopen: opens the file again, to count the frames of several videos, which headers tell unreliably; None if that
            is impossible, as for a live stream.
    """
    videos = container.streams.video
    videos = [stream for stream in videos if not stream.disposition & _NO_VIDEOS] or videos
    frames = {stream.index: stream.frames or 2 for stream in videos}  # two or more are a video
    if len(videos) > 1 and reopen is not None:
        largest = max(videos, key=_pixels)
        counted = Counter()
        with suppress(av.FFmpegError), reopen() as copy:  # frames before damage count
            for packet in copy.demux([copy.streams[stream.index] for stream in videos]):
                counted[packet.stream_index] += packet.size > 0
                if counted[largest.index] > 1 or counted.total() == _COUNTED:
                    break
        frames = {stream.index: counted[stream.index] or stream.frames for stream in videos}
    return max(videos, key=lambda stream: (min(frames[stream.index], 2), _pixels(stream)), default=None)


def _pixels(stream: av.video.stream.VideoStream) -> int:
    return stream.width * stream.height


def decode(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> Iterator[tuple[float | None, av.VideoFrame | None]]:
    """Time stamps, seconds, and frames of a stream; no frame where the decoder fails or reports damage.

    Stamps are as in the file: they may be missing, or not ascend.

    Raises:
        av.FFmpegError: reading, not decoding, fails; after the frames before.
    """
    before, lost = -np.inf, []  # lost: stamps not yielded yet, as packets come in another order than frames
    for packet in container.demux(stream):
        try:
            decoded = packet.decode()
        except av.FFmpegError:
            if packet.pts is None:
                yield None, None
            elif not packet.is_discard:
                lost.append(float(packet.pts * packet.time_base))
            continue
        for frame in decoded:
            now = frame.time
            if now is not None and now > before:
                yield from ((missed, None) for missed in sorted(set(lost)) if before < missed < now)
                lost = [missed for missed in lost if missed > now]
                before = now
            yield now, None if frame.is_corrupt else frame
    yield from ((missed, None) for missed in sorted(set(lost)) if missed > before)


def pixel_aspect(stream: av.video.stream.VideoStream) -> float:
    """The width of a stored pixel in display, in units of its height."""
    aspect = float(stream.sample_aspect_ratio or 1)
    return aspect if _ASPECTS[0] <= aspect <= _ASPECTS[1] and abs(aspect - 1) > _SQUARE else 1.0


def display_matrix(frame: av.VideoFrame) -> np.ndarray:
    """Rotation and mirroring for display: [[a, b], [c, d]] with x' = a x + c y and y' = b x + d y."""
    try:
        matrix = frame.side_data.get('DISPLAYMATRIX')
    except ValueError:  # the frame has other side data, of a type that PyAV does not know
        angle = np.radians(frame.rotation)
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if matrix is None:
        return np.eye(2)
    return np.frombuffer(matrix, np.int32).reshape(3, 3)[:2, :2] / 65536  # of 16.16 bits


def is_mirrored(frame: av.VideoFrame) -> bool:
    """Whether a frame is to be shown mirrored."""
    return np.linalg.det(display_matrix(frame)) < 0


def to_image(frame: av.VideoFrame, aspect: float = 1.0) -> np.ndarray:
    """The image (h, w, 3) BGR for display: rotated by multiples of 90 degrees, mirrored, with square pixels.

    Args:
        frame: of :func:`decode`.
        aspect: see :func:`pixel_aspect`; the number of rows is kept.
    """
    image = frame.to_ndarray(format='bgr24')
    if aspect != 1:
        size = max(round(image.shape[1] * aspect), 1), image.shape[0]
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if aspect < 1 else cv2.INTER_LINEAR)
    (a, b), (c, d) = display_matrix(frame)
    across, down = a, d
    if abs(b) > abs(a):
        image, across, down = image.swapaxes(0, 1), c, b
    return np.ascontiguousarray(image[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])
