"""Frame numbers and videos from the names of a million images."""

import numpy as np

from depth_refine.utils.h36m_names import ImageName, parse_image_name


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
    frames, sequence_ids = np.empty((2, len(names)), np.int32)
    sequences: dict[str, tuple[int, ImageName]] = {}
    known: dict[tuple[bytes, bytes], int] = {}  # videos by what is before and behind a frame number
    for row, name in enumerate(names):
        before, _, rest = name.rpartition(b'_')
        number, dot, behind = rest.partition(b'.')
        try:
            if dot and number.isdigit() and (before, behind) in known:
                frames[row], sequence_ids[row] = int(number), known[before, behind]
                continue
            parsed = parse_image_name(name.decode())
            frames[row] = parsed.frame
        except (ValueError, OverflowError) as error:
            raise ValueError(f'row {row}: {error}') from error
        sequence_ids[row], _ = sequences.setdefault(parsed.sequence, (len(sequences), parsed))
        known[before, behind] = sequence_ids[row]
    return frames, sequence_ids, [name for _, name in sequences.values()]
