"""Video and frame of each row of an annotation, from columns or from Human3.6M's image names."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine.logging import print_log

from depth_refine.utils.h36m_names import parse_image_name

_PART = 1 << 14  # names at a time
_MOST_DIGITS = 9  # of a frame number in 32 bits


class Video(NamedTuple):
    """One camera's view of one take."""

    name: str  # S1_Directions_1.54138969
    subject: str  # S1
    action: str | None  # Directions; '' if it has none, None if it has several
    camera: str  # 54138969


def index_columns(columns: dict[str, np.ndarray]) -> tuple[np.ndarray, list[Video]]:
    """Group rows by their columns ``sequence`` and ``camera``.

    Args:
        columns: (N,) texts ``sequence`` and perhaps ``camera``, ``subject`` and ``action``.

    Returns:
        - sequence_ids (N,) int32, index into the videos.
        - the videos in the order of their first rows. A sequence that several cameras saw is named with its camera,
          ``walk.left``.

    Raises:
        ValueError: the rows of a video name several subjects; the message begins with a row.
    """
    empty = np.full(len(columns['sequence']), '')
    texts = {key: columns.get(key, empty) for key in ('sequence', 'subject', 'action', 'camera')}
    _, name_ids = np.unique(texts['sequence'], return_inverse=True)
    cameras, camera_ids = np.unique(texts['camera'], return_inverse=True)
    _, firsts, ids = np.unique(name_ids * len(cameras) + camera_ids, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    sequence_ids, firsts = np.argsort(order)[ids].astype(np.int32), firsts[order]
    differs = {key: texts[key] != texts[key][firsts][sequence_ids] for key in ('subject', 'action')}
    if differs['subject'].any():
        row = int(np.argmax(differs['subject']))
        subjects = texts['subject'][[row, firsts[sequence_ids[row]]]].tolist()
        raise ValueError(f"row {row}: 'subject' is {subjects[0]!r}, but {subjects[1]!r} in its video's first row")
    have_several = set(sequence_ids[differs['action']].tolist())
    seen_by = np.bincount(name_ids[firsts])
    videos = []
    for index, row in enumerate(firsts):
        name, subject, action, camera = (str(values[row]) for values in texts.values())
        if seen_by[name_ids[row]] > 1 and not name.endswith(f'.{camera}'):
            name = f'{name}.{camera}'
        videos.append(Video(name, subject, None if index in have_several else action, camera))
    return sequence_ids, videos


def warn_of_leaps(path: Path, frames: np.ndarray, videos: Sequence) -> None:
    """Log a warning if frame numbers of a video are not evenly spaced, which windows assume of them.

    Args:
        path: of the annotation, for the message.
        frames: (N,) frame numbers.
        videos: with ``name`` and ``rows``, by ascending frame numbers.
    """
    longest = {}
    for video in videos:
        numbers = frames[video.rows]
        steps = np.diff(numbers)
        if len(steps) and steps.max() > steps.min():
            at = int(steps.argmax())
            longest[video.name] = steps[at], numbers[at], numbers[at + 1]
    if longest:
        name = max(longest, key=longest.get)
        _, before, after = longest[name]
        print_log(
            f'{path}: frame numbers jump in {len(longest)} of {len(videos)} videos, in {name} from {before} to '
            f'{after}, and windows take frames there as neighbours in time. Where much is missing, give each part of a '
            'video a sequence of its own.',
            logger='current',
            level=logging.WARNING,
        )


def index_image_names(names: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[Video]]:
    """Read frame number and video from each of Human3.6M's image names.

    Neighbours whose names differ in their frame number alone are parsed once.

    Args:
        names: (N,) bytes in UTF-8, image paths, in any order.

    Returns:
        - frames (N,) int32, frame numbers.
        - sequence_ids (N,) int32, index into the videos.
        - the videos in the order of their first rows.

    Raises:
        ValueError: a name is not of Human3.6M's form; the message begins with its row.
    """
    frames, sequence_ids = np.empty((2, len(names)), np.int32)
    sequences: dict[str, tuple[int, Video]] = {}
    for start in range(0, len(names), _PART):
        part = names[start : start + _PART]
        before, _, rest = np.strings.rpartition(part, b'_')
        number, _, behind = np.strings.partition(rest, b'.')
        is_number = np.strings.isdigit(number) & (np.strings.str_len(number) <= _MOST_DIGITS)
        frames[start : start + _PART] = np.where(is_number, number, b'0').astype(np.int32)
        is_like_the_last = np.zeros(len(part), bool)
        is_like_the_last[1:] = (
            (before[1:] == before[:-1]) & (behind[1:] == behind[:-1]) & (is_number[1:] & is_number[:-1])
        )
        firsts = np.flatnonzero(~is_like_the_last)
        ids = np.empty(len(firsts), np.int32)
        for index, row in enumerate(firsts):
            try:
                name = parse_image_name(part[row].decode())
                frames[start + row] = name.frame
            except (ValueError, OverflowError) as error:
                raise ValueError(f'row {start + row}: {error}') from error
            video = Video(name.sequence, name.subject, name.action, name.camera)
            ids[index], _ = sequences.setdefault(name.sequence, (len(sequences), video))
        sequence_ids[start : start + _PART] = np.repeat(ids, np.diff(firsts, append=len(part)))
    return frames, sequence_ids, [video for _, video in sequences.values()]
