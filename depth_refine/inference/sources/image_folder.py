"""The images of a folder as the frames of a video."""

import re
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from depth_refine.utils.errors import InputError
from depth_refine.utils.file_names import decimal_numbers, list_files, may_be_hexadecimal

IMAGES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
_VIDEOS = ('.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.mts', '.webm', '.wmv')
_NUMBER = re.compile(r'(.*?)(\d+)(\D*)', re.DOTALL)  # the last number of a name
_ANY_NUMBER = re.compile(r'\d+([.,]\d+)?')
_STEADY = 0.8  # share of equal steps between frame numbers; with fewer, names may hold the time of day
_ROUNDED = 1.25  # decimal steps of up to so many times the usual one are rounding errors
_COUNTER_DIGITS, _NEARLY = 3, 0.9  # a camera's counter that starts again has these digits, and came near its largest


def list_images(folder: Path) -> tuple[list[Path], list[str]]:
    """The images of a folder in natural order: by name, with numbers compared by value. Hidden files are left out.

    A single image whose name has another form than all others, such as a background, is left out, too.

    Returns:
        The files, and notes on names that may not belong to one video, or may be in another order, and on videos,
        which are not read.

    Raises:
        InputError: there are none, or two differ in their file endings alone, as a frame and its mask may.
    """
    files, videos = list_files(folder, *IMAGES), list_files(folder, *_VIDEOS)
    if not files:
        instead = f'; for a video give the file itself, as {videos[0]}' if videos else ''
        raise InputError(f'the folder {folder} has no images: expected files that end in {", ".join(IMAGES)}{instead}')
    files, notes = _in_order(folder, files)
    if videos:
        notes.append(
            f'The folder {folder.name} is read as images, and not the videos in it, {_named(videos)}. For a video give '
            'the file itself.'
        )
    return files, notes


def _in_order(folder: Path, files: list[Path]) -> tuple[list[Path], list[str]]:
    """The files of one video in their order, and notes, see :func:`list_images`."""
    (stem, most), *_ = Counter(file.stem for file in files).most_common(1)
    if most > 1:
        double = ' and '.join(file.name for file in files if file.stem == stem)
        raise InputError(f'the folder {folder} has {double}: expected one image for each frame. Move the others away.')
    if may_be_hexadecimal([file.stem for file in files]):
        return files, [
            f'The order of the images of {folder.name} may be wrong: their numbers may be hexadecimal, and are read as '
            f'decimal ones, {_named(files)}. Rename them if that is not their order.'
        ]
    files, notes = _without_odd_one(files)
    numbers = decimal_numbers([file.stem for file in files])
    if numbers is None or len(files) == 1:
        return files, notes + _notes_on_numbers(folder.name, files)
    files = [file for _, file in sorted(zip(numbers, files, strict=True))]
    steps = np.diff(sorted(numbers)).astype(float)
    notes.append(
        f'Numbers of the images of {folder.name} are read as decimal fractions, {_named(files)}. If they are seconds, '
        f'fps is {1 / steps.mean():.4g}.'
    )
    return files, notes + _note_on_gaps(folder.name, files, steps, _ROUNDED)


def read_image(path: Path) -> np.ndarray | None:
    """An image (h, w, 3) BGR, uint8 or uint16, rotated as the file says; None if it cannot be read."""
    try:  # from memory, since OpenCV 5 cannot read a rotated TIFF from its file
        return cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except (OSError, cv2.error):
        return None


def _named(files: list[Path]) -> str:
    """The names of the first files, for messages."""
    return ', '.join(file.name for file in files[:4]) + (', ...' if len(files) > 4 else '')


def _without_odd_one(files: list[Path]) -> tuple[list[Path], list[str]]:
    """The files without the only one whose name has another form than the others, and a note on it."""
    forms = [_ANY_NUMBER.sub('*', file.stem) for file in files]
    (form, most), *_ = Counter(forms).most_common(1)
    if '*' not in form or not 1 < most == len(files) - 1:
        return files, []
    (odd,) = (file.name for file, other in zip(files, forms, strict=True) if other != form)
    rest = [file for file, other in zip(files, forms, strict=True) if other == form]
    return rest, [f'The image {odd} is left out: the names of all others are {form}. Rename it if it is a frame.']


def _notes_on_numbers(folder: str, files: list[Path]) -> list[str]:
    found = [_NUMBER.fullmatch(file.stem) for file in files]
    kinds = Counter(f'{match[1]}*{match[3]}' if match else file.stem for file, match in zip(files, found, strict=True))
    forms = {_ANY_NUMBER.sub('*', file.stem) for file in files}
    if max(kinds.values()) > 1 < len(kinds) and (min(kinds.values()) > 1 or len(forms) > 1):
        return [
            f'Images of {folder} have names of {len(kinds)} kinds, {", ".join(list(kinds)[:3])}: taken as one video.'
        ]
    if len(kinds) > 1 or len(files) < 2 or not all(found):
        return []
    numbers = [int(match[2]) for match in found]
    digits, steps = len(str(numbers[-1])), np.diff(numbers).astype(float)
    leap = int(steps.argmax())
    if digits >= _COUNTER_DIGITS and 2 * steps[leap] > 10**digits and numbers[-1] > _NEARLY * 10**digits:
        return [
            f'The order of the images of {folder} may be wrong: their numbers leap from {files[leap].name} to '
            f'{files[leap + 1].name}, as those of a camera do that starts again after {"9" * digits}. If it did, '
            'rename the former to follow the latter.'
        ]
    return _note_on_gaps(folder, files, steps)


def _note_on_gaps(folder: str, files: list[Path], steps: np.ndarray, tolerance: float = 1) -> list[str]:
    if len(files) < 3 or not (step := np.median(steps)) > 0:
        return []
    longer = steps > tolerance * step
    if not 0 < longer.sum() <= (1 - _STEADY) * len(steps):
        return []
    return [
        f'Numbers are missing among the images of {folder}, first after {files[int(longer.argmax())].name}; they are '
        'taken as evenly spaced in time all the same.'
    ]


def frames_of_images(frames: np.ndarray, first: int, numbers: list[int] | None) -> np.ndarray | None:
    """Indices of the images, from 0, that a file's frame numbers mean if they are the numbers in the images' names.

    Args:
        frames: (N,) frame numbers in a file of boxes or predictions.
        first: number of the first frame there, as the user or the format says.
        numbers: in the images' names, ascending; None if they have none.

    Returns:
        (N,), or None if frames are not among these numbers, or may as well be counted from ``first``.
    """
    if not numbers or not len(frames) or not np.isin(frames, numbers).all():
        return None
    if numbers[0] != first and frames.max() - first < len(numbers):
        return None
    return np.searchsorted(numbers, frames)


def image_numbers(files: list[Path]) -> list[int] | None:
    """The numbers in the names of images, if the rest of all names is the same and they ascend; otherwise None."""
    found = [_NUMBER.fullmatch(file.stem) for file in files]
    if None in found or len({(match[1], match[3]) for match in found}) != 1:
        return None
    numbers = [int(match[2]) for match in found]
    return numbers if numbers == sorted(set(numbers)) else None
