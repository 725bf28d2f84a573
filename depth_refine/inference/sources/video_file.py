"""Frames and times of a video file or a network stream."""

import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import av
import numpy as np

from depth_refine.utils.errors import InputError
from depth_refine.utils.video_decoding import best_stream, decode, is_mirrored, pixel_aspect, to_image

from .time_stamps import ascending

_EXPECTED = 'Expected a file such as .mp4, .mov, .avi, .mkv or .webm.'
_ADDRESS = re.compile(r'[A-Za-z][A-Za-z0-9+.-]+://.+')  # two letters or more, unlike a Windows drive
_CLOCK = re.compile(r'(\d+):(\d\d):(\d\d(?:\.\d+)?)')
_PATIENCE = 10.0  # seconds for which a network may be silent
_APART = 1.5  # rates that differ by this factor mean slow motion or a time lapse
_USUAL_RATE = 25.0  # frames a second, FFmpeg's default, where not even the header states a rate
_CLOCK_RATE = 1000.0  # "frames" a second that are ticks of a clock
_EARLY_SOUND = 0.1  # seconds; a smaller difference is the encoder's delay

Stamped = tuple[float | None, av.VideoFrame | None]


def is_address(source: str | Path) -> bool:
    """Whether this is a network address, such as ``rtsp://camera/stream``."""
    return isinstance(source, str) and _ADDRESS.fullmatch(source) is not None


class BrokenOff(InputError):
    """A live source that sent frames sends no more."""


class VideoFile:
    """An iterable of a video's frames: seconds from the first one, and the image, or None if it cannot be decoded.

    Attributes:
        name: for titles; an address without its password.
        frame_count: as stated by the file, or None.
        is_live: whether it is sent as it is taken, without a known end.
        notes: sentences on what was assumed, complete when the iteration has ended.

    Args:
        location: the file, or the address.
        fps: frames a second at which it was taken, whatever the file says.

    Raises:
        InputError: it cannot be opened, has no video, or is live and ``fps`` is given. Iterating raises it if no frame
            can be decoded, or if a live video breaks off.
    """

    def __init__(self, location: str | Path, fps: float | None) -> None:
        self._address, self._fps, self.notes = is_address(location), fps, []
        self.name = _without_password(str(location)) if self._address else Path(location).name
        self._where = self.name if self._address else str(location)
        self._container = self._open(location)
        self._duration = (self._container.duration or 0) / av.time_base
        is_finite = self._duration > 0 or (self._container.size > 0 and self._container.format.name != 'hls')
        self.is_live = self._address and not is_finite
        stream = best_stream(self._container, None if self.is_live else partial(self._open, location))
        if stream is None:
            self._container.close()
            raise InputError(f'{self._where} has sound or data, but no video. {_EXPECTED}')
        self._stream = stream
        rate = float(stream.average_rate or 0)  # frames a second; Matroska may state its clock's rate
        self._stated = rate if rate < _CLOCK_RATE else 0.0
        self._has_times = not self._container.format.flags & av.format.Flags.no_timestamps.value
        self._begin, self._end = self._span()
        self.frame_count = stream.frames or round(max(self._end - self._begin, 0) * self._stated) or None
        if self.is_live and fps is not None:
            self._container.close()
            raise InputError(f'{self.name} is live and tells the times of its frames itself: leave fps out')
        self._aspect = pixel_aspect(stream)
        self._pace = 1.0  # seconds of the recording per second of the file's time stamps
        if fps is not None and self._has_times:
            self._pace = self._set_pace(location, fps)
        self._note_header()

    def _open(self, location: str | Path) -> av.container.InputContainer:
        if not self._address:
            try:
                return av.open(f'file:{location}', metadata_errors='replace')  # so that 10:30.mp4 has no protocol 10
            except (av.FFmpegError, OSError) as error:
                empty = Path(location).stat().st_size == 0
                reason = 'it is empty' if empty else f'FFmpeg says: {error.strerror}'
                raise InputError(f'{location} is not a video, or is a damaged one ({reason}). {_EXPECTED}') from error
        try:
            options = {'rtsp_flags': 'prefer_tcp'}  # UDP may lose packets
            return av.open(location, metadata_errors='replace', timeout=_PATIENCE, options=options)
        except av.ExitError as error:
            raise InputError(f'{self.name} does not answer within {_PATIENCE:g} s') from error
        except (av.FFmpegError, OSError) as error:
            raise InputError(
                f'{self.name} cannot be opened as a video (FFmpeg says: {error.strerror}). Can it be reached, and is '
                'it the address of the video itself, not of a web page that shows it?'
            ) from error

    def _set_pace(self, location: str | Path, fps: float) -> float:
        """Seconds of the recording per second of the file, by the mean rate of its frames: headers may be wrong."""
        stamps = []
        with self._open(location) as container:
            try:
                for packet in container.demux(container.streams[self._stream.index]):
                    if packet.pts is not None and not packet.is_discard:
                        stamps.append(float(packet.pts * packet.time_base))
            except av.FFmpegError:  # a damaged end, which is noted when the frames are read
                pass
        if len(stamps) < 2 or max(stamps) <= min(stamps):
            self._has_times = False
            return 1.0
        rate = (len(stamps) - 1) / (max(stamps) - min(stamps))
        if abs(rate / fps - 1) > 1e-3:
            self.notes.append(
                f'The file plays at {rate:.4g} frames a second, and fps says that it was taken at {fps:g}: its times '
                f'are read {_times(fps / rate)}.'
            )
        return rate / fps

    def _note_header(self) -> None:
        stream, metadata = self._stream, self._container.metadata
        if len(self._container.streams.video) > 1:
            self.notes.append(
                f'The file has {len(self._container.streams.video)} videos or still images; the one read is number '
                f'{self._container.streams.video.index(stream)}, of {stream.width} x {stream.height} px.'
            )
        taken = _number(metadata.get('com.android.capture.fps'))
        if self._fps is None and taken and self._stated and not 1 / _APART < taken / self._stated < _APART:
            self.notes.append(
                f'The file says that it was taken at {taken:g} frames a second, and plays at {self._stated:.4g}, as '
                f'slow motion and time lapses do; the latter is used. If it is one of these, give {taken:g} as fps.'
            )
        if not self._has_times and not self.is_live:
            self._stated = self._fps or self._stated or _USUAL_RATE
            self.notes.append(
                f'The file has no time stamps: its frames are taken as {self._stated:g} a second'
                f'{"" if self._fps else ", unless fps says another rate"}.'
            )
        if stream.start_time is not None and self._container.start_time is not None:
            late = float(stream.start_time * stream.time_base) - self._container.start_time / av.time_base
            if late > _EARLY_SOUND:
                self.notes.append(f'The video begins {late:.2f} s after the sound; times count from the first frame.')

    def __iter__(self) -> Iterator[tuple[float, np.ndarray | None]]:
        first, count, shown, seconds, left, failure = None, 0, 0, 0.0, 0.0, ''
        with self._container:
            try:
                for stamp, frame in self._timed():
                    first = stamp if first is None else first
                    count, seconds, left = count + 1, stamp - first, self._end - stamp
                    image = None if frame is None else to_image(frame, self._aspect)
                    if frame is not None:
                        shown += 1
                        if shown == 1:
                            self._note_frame(frame, image)
                    yield seconds * self._pace, image
            except av.ExitError:
                failure = f', nothing came for {_PATIENCE:g} s'
            except av.FFmpegError as error:
                failure = f', FFmpeg says: {error.strerror}'
        if not shown:
            what = 'Is it sending?' if self._address else 'The file is damaged; copy it again.'
            raise InputError(f'{self._where}: not one of its frames can be decoded{failure}. {what}')
        if self.is_live and not failure:
            return
        if self.is_live:
            raise BrokenOff(f'{self.name} broke off after {count} frames{failure}: is it still sending?')
        # edited files also state the frames that are cut off at their beginning
        if failure or left > 1 or (count < self._stream.frames and left > 1.5 / (self._stated or _USUAL_RATE)):
            stated = f'{self._stream.frames} frames' if self._stream.frames else f'{self._end - self._begin:.2f} s'
            found = f'{count} frames up to {seconds:.2f} s are in it{failure}'
            self.notes.append(f'The file may be cut short: it states {stated}, and {found}.')

    def _note_frame(self, frame: av.VideoFrame, image: np.ndarray) -> None:
        """Add notes on how the first decoded frame was made an image."""
        if self._aspect != 1:
            self.notes.append(
                f'Its pixels are {self._aspect:.4g} times as wide as high: frames of {frame.width} x {frame.height} px '
                f'are read with square pixels, as {image.shape[1]} x {image.shape[0]} px; boxes, predictions and '
                'intrinsics must be in these.'
            )
        if is_mirrored(frame):
            self.notes.append('It is shown mirrored, as the file says: left and right are those of the mirrored image.')
        if frame.interlaced_frame:
            self.notes.append(
                'It is interlaced: moving edges look like combs, which estimators see as blur. Better deinterlace it '
                'first (ffmpeg -vf bwdif).'
            )

    def _span(self) -> tuple[float, float]:
        """When the video stream begins and ends, seconds of the file's own times; sound may be longer."""
        stream, begin = self._stream, (self._container.start_time or 0) / av.time_base
        if stream.start_time is not None:
            begin = float(stream.start_time * stream.time_base)
            if stream.duration:
                return begin, begin + float(stream.duration * stream.time_base)
        if 'matroska' in self._container.format.name:  # durations count from zero, those of streams are tags
            return begin, _clock(stream.metadata.get('DURATION', '')) or self._duration
        return begin, (self._container.start_time or 0) / av.time_base + self._duration

    def _stamped(self) -> Iterator[Stamped]:
        for stamp, frame in decode(self._container, self._stream):
            if self._has_times:
                yield stamp, frame
            else:
                yield (time.monotonic() if self.is_live else None), frame

    def _timed(self) -> Iterator[tuple[float, av.VideoFrame | None]]:
        misplaced = yield from ascending(self._stamped(), 1 / (self._stated or _USUAL_RATE))
        if misplaced and self._has_times:
            self.notes.append(
                f'Frames whose time stamps are missing or do not ascend, put between their neighbours: {misplaced}.'
            )


def _times(ratio: float) -> str:
    return f'{ratio:.4g} times as fast' if ratio > 1 else f'{1 / ratio:.4g} times as slow'


def _number(text: str | None) -> float | None:
    """The positive number in a file's metadata, or None."""
    try:
        number = float(text or 0)
    except ValueError:
        return None
    return number if 0 < number < np.inf else None


def _clock(text: str) -> float | None:
    """Seconds of a time hours:minutes:seconds, or None."""
    match = _CLOCK.fullmatch(text)
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else None


def _without_password(address: str) -> str:
    parts = urlsplit(address)
    return f'{parts.scheme}://{parts.netloc.rpartition("@")[2]}{parts.path}'
