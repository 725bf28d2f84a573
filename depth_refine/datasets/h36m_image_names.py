"""Frame numbers and videos from the names of a million images."""

import numpy as np

from depth_refine.utils.h36m_names import ImageName, parse_image_name

_PART = 1 << 14  # names at a time
_MOST_DIGITS = 9  # of a frame number in 32 bits


def index_image_names(names: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[ImageName]]:
    """Tell frame and video of each image.

    Neighbours whose names differ in their frame number alone are parsed once.

    Args:
        names: (N,) bytes in UTF-8, image paths, in any order.

    Returns:
        - frames (N,) int32, frame numbers.
        - sequence_ids (N,) int32, index into the videos.
        - the name of the first image of each video, in the order of these.

    Raises:
        ValueError: a name is not of Human3.6M's form; the message begins with its row.
    """
    frames, sequence_ids = np.empty((2, len(names)), np.int32)
    sequences: dict[str, tuple[int, ImageName]] = {}
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
            ids[index], _ = sequences.setdefault(name.sequence, (len(sequences), name))
        sequence_ids[start : start + _PART] = np.repeat(ids, np.diff(firsts, append=len(part)))
    return frames, sequence_ids, [name for _, name in sequences.values()]
