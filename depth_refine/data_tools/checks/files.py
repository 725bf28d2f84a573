"""Checks of the files that belong to an annotation: images, 2D data sets, depth sequence stores."""

import json
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

from depth_refine.datasets import PoseAnnotation, SequenceStore
from depth_refine.datasets.body_2d_datasets import CocoBodyDataset, MpiiBodyDataset

BODY_2D_FILES = {  # annotation files and their image folders
    CocoBodyDataset: {f'annotations/person_keypoints_{split}2017.json': f'{split}2017' for split in ('train', 'val')},
    MpiiBodyDataset: {f'annotations/mpii_{split}.json': 'images' for split in ('train', 'val')},
}
_KNOWN_TO_BE_MISSING = 'S11_Directions.54138969'  # its official video is damaged
_ROWS_OFF = 2  # one real image has 1002 rows where its camera says 1000
_CHUNK = 50_000  # frames
_FAR = 50  # px; a working first stage has a mean error of a few


def check_images(annotation: PoseAnnotation, folder: Path) -> Iterator[tuple[str, str]]:
    """Check that every image of an annotation exists, by listing the image folders."""
    if not folder.is_dir():
        yield 'note', f'no image folder {folder}: the second stage needs none, the first stage does'
        return
    missing = _missing_files(folder, annotation.img_names.tolist())
    names = [annotation.sequences[index].name for index in np.unique(annotation.sequence_ids[missing])]
    if not missing:
        yield 'ok', 'every image is there'
    elif names == [_KNOWN_TO_BE_MISSING]:
        yield 'note', f'no images of {_KNOWN_TO_BE_MISSING}, whose official video is damaged'
    else:
        where = f'in {folder}, in {len(names)} of {len(annotation.sequences)} videos'
        first = f'first {annotation.img_names[missing[0]].decode()}. Run the preparation again, or put them there.'
        yield 'problem', f'{len(missing):,} of {len(annotation):,} images are missing {where}, {first}'


def _missing_files(folder: Path, names: Iterable[bytes]) -> list[int]:
    """Indices of the files ``names``, paths relative to ``folder``, that do not exist; lists each folder once."""
    folder = os.fsencode(folder)
    list_folder = cache(lambda path: set(os.listdir(path)) if os.path.isdir(path) else set())
    paths = (os.path.split(os.path.join(folder, name)) for name in names)
    return [index for index, (parent, name) in enumerate(paths) if name not in list_folder(parent)]


def check_image(image: np.ndarray | None, size: tuple[float, float], is_crop: bool) -> Iterator[tuple[str, str]]:
    """Compare an image (H, W, 3), None if its file cannot be read, with its expected width and height, px.

    A person crop has the aspect ratio of ``size``, but may be stored smaller.
    """
    if image is None:
        yield 'problem', 'the image cannot be read. Remove it and run the preparation again.'
        return
    height, width = image.shape[:2]
    expected = f'expected {size[0]:g} x {size[1]:g} px, got {width} x {height}'
    if is_crop:
        if abs(width / height - size[0] / size[1]) * min(width, height) > _ROWS_OFF * max(1, size[0] / size[1]):
            yield 'problem', f'the image does not have the aspect ratio of its crop: {expected}. Prepare it again.'
    elif width != size[0] or abs(height - size[1]) > _ROWS_OFF:
        advice = 'part is in px of the original frames: do not resize images.'
        yield 'problem', f'{expected}, the size of its camera. {advice}'
    elif height != size[1]:
        yield 'note', f"{expected}; some of Human3.6M's videos have a row or two more or less, which does no harm"


def check_body_2d(dataset_class: type, root: Path, file: str, folder: str) -> Iterator[tuple[str, str]]:
    """Read an annotation file of COCO or MPII as training does, and check that its persons' images exist.

    Args:
        dataset_class: the data set.
        root: its data root.
        file: annotation file below ``root``.
        folder: image folder below ``root``.

    Raises:
        InputError: the file is damaged.
    """
    dataset = dataset_class(ann_file=file, data_root=str(root), data_prefix=dict(img=folder))
    names = sorted({dataset.get_data_info(index)['img_path'] for index in range(len(dataset))})
    dropped = ', '.join(f'{reason} ({count})' for reason, count in dataset.dropped.items() if count)
    yield 'ok', f'{len(dataset):,} persons in {len(names):,} images; left out: {dropped or "none"}'
    if missing := _missing_files(Path(), map(os.fsencode, names)):
        first = names[missing[0]]
        yield 'problem', f'{len(missing):,} of {len(names):,} images are missing, first {first}. Unpack them.'


def store_owner(store: Path) -> str | None:
    """The SHA-256 of the annotation that a store names, None if it is missing or damaged."""
    try:
        return str(json.loads((store / 'store.json').read_text(encoding='utf-8'))['annotation']['sha256'])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def check_store(path: Path, annotation: PoseAnnotation) -> Iterator[tuple[str, str]]:
    """Check every number of the store at ``path``, which belongs to ``annotation``.

    Raises:
        InputError: the store is damaged.
    """
    store = SequenceStore(path, annotation)
    columns = 3 if store.has_depth else 2
    sums, broken = np.zeros(2), 0
    for start in range(0, len(annotation), _CHUNK):
        rows = slice(start, start + _CHUNK)
        found, poses = store.keypoints[rows, :, :columns], annotation.keypoints_3d[rows]
        finite = np.isfinite(found).all(axis=(1, 2)) & np.isfinite(store.scores[rows]).all(axis=1)
        broken += np.sum(~finite)
        distances = np.linalg.norm(found[..., :2] - annotation.keypoints[rows], axis=-1)
        sums[0] += distances[finite].sum()
        if store.has_depth:
            sums[1] += np.abs(found[..., 2] - (poses[..., 2] - poses[:, annotation.skeleton.root, None, 2]))[
                finite
            ].sum()
    if broken:
        yield 'problem', f'{broken:,} of {len(annotation):,} frames are not finite. Regenerate the store.'
        return
    error_2d, error_depth = sums / annotation.keypoints[..., 0].size
    depth = f'{1000 * error_depth:.1f} mm in depth' if store.has_depth else 'without depths'
    message = f'bbox_policy {store.bbox_policy!r}, mean error against the annotation {error_2d:.1f} px, {depth}'
    yield ('note' if error_2d > _FAR else 'ok'), message
