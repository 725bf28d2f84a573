"""Videos through FFmpeg: which of a file's streams, its frames with gaps where they are damaged, upright images."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import av
import cv2
import numpy as np
from av.stream import Disposition

_NO_VIDEOS = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
_COUNTED = 1000  # frames of all videos; of which another one has had a single one, that is a still image
_SQUARE = 0.01  # encoders round; less than this off is square
_ASPECTS = 1 / 4, 4.0  # others are damage


def best_stream(
    container: av.container.InputContainer, reopen: Callable[[], av.container.InputContainer] | None = None
) -> av.video.stream.VideoStream | None:
    """The video among a file's streams: no cover, no still image, and of several the one with the most pixels.

    Args:
        container: the file; nothing is read of it.
        reopen: opens it again, to count the frames of several videos, which headers do not say, or not rightly; nothing
            if that cannot be, as of what is live.
    """
    videos = container.streams.video
    videos = [stream for stream in videos if not stream.disposition & _NO_VIDEOS] or videos
    frames = {stream.index: stream.frames or 2 for stream in videos}  # of two or more it is a video
    if len(videos) > 1 and reopen is not None:
        largest = max(videos, key=_pixels)
        counted = Counter()
        with suppress(av.FFmpegError), reopen() as copy:  # of a damaged one, those before
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
    before, lost = -np.inf, []  # lost: stamps not handed on yet, as packets come in another order than frames
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
    """How wide a stored pixel is shown, in units of its height."""
    aspect = float(stream.sample_aspect_ratio or 1)
    return aspect if _ASPECTS[0] <= aspect <= _ASPECTS[1] and abs(aspect - 1) > _SQUARE else 1.0


def display_matrix(frame: av.VideoFrame) -> np.ndarray:
    """How stored pixels are to be turned and mirrored: [[a, b], [c, d]] with x' = a x + c y and y' = b x + d y."""
    try:
        matrix = frame.side_data.get('DISPLAYMATRIX')
    except ValueError:  # PyAV does not know the kind of something else that is there
        angle = np.radians(frame.rotation)
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if matrix is None:
        return np.eye(2)
    return np.frombuffer(matrix, np.int32).reshape(3, 3)[:2, :2] / 65536  # of 16.16 bits


def is_mirrored(frame: av.VideoFrame) -> bool:
    """Whether a frame is to be shown mirrored."""
    return np.linalg.det(display_matrix(frame)) < 0


def to_image(frame: av.VideoFrame, aspect: float = 1.0) -> np.ndarray:
    """The image (h, w, 3) BGR as it is to be shown: turned by whole quarters, mirrored, with square pixels.

    Args:
        frame: of :func:`decode`.
        aspect: of its stored pixels; their height stays.
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
