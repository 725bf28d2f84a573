"""The images of a folder as the frames of a video."""

import re
from collections import Counter
from pathlib import Path

import numpy as np

from depth_refine.utils.errors import InputError
from depth_refine.utils.file_names import list_files

IMAGES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
_NUMBER = re.compile(r'(.*?)(\d+)(\D*)', re.DOTALL)  # the last one of a name
_STEADY = 0.8  # of the steps between numbers; names with the time of day are no numbers of frames


def list_images(folder: Path) -> tuple[list[Path], list[str]]:
    """The images of a folder, in the order of their names and the numbers in these, hidden files left out.

    Returns:
        The files, and notes on names that may not be those of one video's frames.

    Raises:
        InputError: there are none, or two have one name with different endings: a frame and, say, its mask.
    """
    files = list_files(folder, *IMAGES)
    if not files:
        raise InputError(f'the folder {folder} has no images: expected files that end in {", ".join(IMAGES)}')
    (stem, most), *_ = Counter(file.stem for file in files).most_common(1)
    if most > 1:
        double = ' and '.join(file.name for file in files if file.stem == stem)
        raise InputError(f'the folder {folder} has {double}: expected one image for each frame. Move the others away.')
    found = [match for file in files if (match := _NUMBER.fullmatch(file.stem))]
    kinds = Counter((match[1], match[3]) for match in found)
    if len(kinds) > 1 and min(kinds.values()) > 1:
        shown = ', '.join(f'{before}*{after}' for before, after in list(kinds)[:3])
        return files, [f'Images of {folder.name} have names of {len(kinds)} kinds, {shown}: taken as one video.']
    steps = np.diff([int(match[2]) for match in found])
    if len(kinds) == 1 and len(found) == len(files) > 2 and (step := np.median(steps)) > 0:
        longer = steps > step
        if 0 < longer.sum() <= (1 - _STEADY) * len(steps):
            after = files[int(longer.argmax())].name
            return files, [
                f'Numbers are missing among the images of {folder.name}, first after {after}; they are taken as evenly '
                'spaced in time all the same.'
            ]
    return files, []


def frames_of_images(frames: np.ndarray, first: int, numbers: list[int] | None) -> np.ndarray | None:
    """Which images, counted from 0, frames (N,) are that are called as the images are.

    Args:
        frames: numbers in a file of boxes or predictions.
        first: number of the first frame there, as it is said.
        numbers: in the images' names, ascending; nothing if they have none.

    Returns:
        (N,), or nothing if frames are not of these numbers, or may as well be counted from ``first``.
    """
    if not numbers or not len(frames) or not np.isin(frames, numbers).all():
        return None
    if numbers[0] != first and frames.max() - first < len(numbers):
        return None
    return np.searchsorted(numbers, frames)


def image_numbers(files: list[Path]) -> list[int] | None:
    """The numbers in the names of images, if all names but for them are the same, and they ascend."""
    found = [_NUMBER.fullmatch(file.stem) for file in files]
    if None in found or len({(match[1], match[3]) for match in found}) != 1:
        return None
    numbers = [int(match[2]) for match in found]
    return numbers if numbers == sorted(set(numbers)) else None
