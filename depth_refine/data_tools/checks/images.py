"""Checks of the images that an annotation names."""

import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from depth_refine.datasets import H36MAnnotation

from .findings import Findings

_KNOWN_TO_BE_MISSING = 'S11_Directions.54138969'  # its official video is damaged
_ROWS_OFF = 2  # one real image has 1002 rows where its camera says 1000


def check_files(annotation: H36MAnnotation, folder: Path, where: str, findings: Findings) -> None:
    """Look for every image by listing folders.

    Args:
        annotation: the annotation.
        folder: the image folder.
        where: name of the annotation.
        findings: gets what there is to say.
    """
    if not folder.is_dir():
        findings.note(where, f'no image folder {folder}: the second stage needs none, the first stage does')
        return
    missing = missing_files(folder, annotation.img_names.tolist())
    names = [annotation.sequences[index].name for index in np.unique(annotation.sequence_ids[missing])]
    if not missing:
        findings.ok(where, 'every image is there')
    elif names == [_KNOWN_TO_BE_MISSING]:
        findings.note(where, f'no images of {_KNOWN_TO_BE_MISSING}, whose official video is damaged')
    else:
        findings.problem(
            where,
            f'{len(missing):,} of {len(annotation):,} images are missing in {folder}, in {len(names)} of '
            f'{len(annotation.sequences)} videos, first {annotation.img_names[missing[0]].decode()}. Run the '
            'preparation again: it writes what is missing.',
        )


def missing_files(folder: Path, names: Iterable[bytes]) -> list[int]:
    """Which of the files ``names``, paths relative to ``folder``, do not exist; looks into each folder once."""
    listings: dict[bytes, set[bytes]] = {}
    missing = []
    for index, path in enumerate(names):
        parent, _, name = path.rpartition(b'/')
        if parent not in listings:
            try:
                listings[parent] = set(os.listdir(os.path.join(os.fsencode(folder), parent)))
            except OSError:
                listings[parent] = set()
        if name not in listings[parent]:
            missing.append(index)
    return missing


def read_image(path: Path, size: tuple[float, float], crop: bool, where: str, findings: Findings) -> np.ndarray | None:
    """Read an image and compare its size.

    Args:
        path: the image.
        size: expected width and height, px.
        crop: whether the image is a person crop, which has the shape of ``size`` but may be stored smaller.
        where: name of the image.
        findings: gets what there is to say.

    Returns:
        (H, W, 3) uint8 BGR; None if there is no such file, or if it cannot be read, which is a problem.
    """
    if not path.is_file():
        return None
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        findings.problem(where, 'the image cannot be read. Remove it and run the preparation again.')
        return None
    height, width = image.shape[:2]
    expected = f'expected {size[0]:g} x {size[1]:g} px, got {width} x {height}'
    if crop:
        if abs(width / height - size[0] / size[1]) * min(width, height) > _ROWS_OFF * max(1, size[0] / size[1]):
            findings.problem(where, f'the image does not have the shape of its crop: {expected}. Prepare it again.')
    elif width != size[0] or abs(height - size[1]) > _ROWS_OFF:
        findings.problem(
            where, f'{expected}, the size of its camera. part is in px of the original frames: do not resize images.'
        )
    elif height != size[1]:
        findings.note(where, f"{expected}; a row or two more or less are known of Human3.6M's videos and do no harm")
    return image
