"""Frame numbers and videos from the names of a million images."""

import numpy as np

from depth_refine.utils.h36m_names import ImageName, parse_image_name

CHUNK_ROWS = 1 << 14
_MAX_DIGITS = 9  # of a frame number in 32 bits


def index_image_names(names: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[ImageName]]:
    """Tell frame and video of each image.

    Names that differ in the digits of their frame number alone are parsed once.

    Args:
        names: (N,) bytes in UTF-8, image paths, in any order.

    Returns:
        - frames (N,) int32, frame numbers.
        - sequence_ids (N,) int32, index into the videos.
        - the name of the first image of each video, in the order of these.

    Raises:
        ValueError: a name is not of Human3.6M's form; the message begins with its row.
    """
    frames = np.empty(len(names), np.int32)
    sequence_ids = np.empty(len(names), np.int32)
    sequences: dict[str, tuple[int, ImageName]] = {}
    parsed: dict[bytes, tuple[int, int]] = {}  # video and frame of the first image with a key
    for start in range(0, len(names), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        keys, numbers, usual = _blank_frame_numbers(names[rows])
        first_rows, group_of = _group(keys)
        groups = np.empty((len(first_rows), 2), np.int32)
        for group in np.argsort(first_rows):
            row = start + first_rows[group]
            key = keys[first_rows[group]]
            try:
                if key not in parsed:
                    name = parse_image_name(names[row].decode())
                    parsed[key] = sequences.setdefault(name.sequence, (len(sequences), name))[0], name.frame
                groups[group] = parsed[key]
            except (ValueError, OverflowError) as error:
                raise ValueError(f'row {row}: {error}') from error
        sequence_ids[rows], first_frames = groups[group_of].T
        frames[rows] = np.where(usual, numbers, first_frames)
    return frames, sequence_ids, [name for _, name in sequences.values()]


def _blank_frame_numbers(names: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take the frame numbers out of (n,) names.

    Returns:
        - keys (n,), the names with zeros for the digits of the frame number;
        - the numbers (n,);
        - whether a name has one, between its last '_' and its last '.' (n,). Any other name is its own key.
    """
    text = np.ascontiguousarray(names).view(np.uint8).reshape(len(names), -1)
    last = text.shape[1] - 1
    underscore, dot = (last - np.argmax(text[:, ::-1] == ord(mark), axis=1) for mark in '_.')
    every_row, column = np.arange(len(text)), np.arange(last + 1, dtype=dot.dtype)
    inside = (column > underscore[:, None]) & (column < dot[:, None])
    digits = text - ord('0')  # wraps: anything else is more than 9
    length = dot - underscore - 1
    usual = (length > 0) & (length <= _MAX_DIGITS) & (text[every_row, dot] == ord('.'))
    usual &= ~np.any(inside & (digits > 9), axis=1)
    numbers = np.zeros(len(text), np.int32)
    for place in range(np.max(length[usual], initial=0)):
        digit = digits[every_row, np.maximum(dot - 1 - place, 0)]
        numbers += np.where(usual & (place < length), digit, 0) * np.int32(10**place)
    keys = np.where(inside & usual[:, None], np.uint8(ord('0')), text)
    return keys.view(names.dtype)[:, 0], numbers, usual


def _group(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Group equal keys (n,), cheaply where equal ones are neighbours: first row of each group, group of each row."""
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    _, first, group_of_run = np.unique(keys[starts], return_index=True, return_inverse=True)
    return starts[first], np.repeat(group_of_run, np.diff(starts, append=len(keys)))
