"""Checks everything in a data root, or all that the data sets of a config read."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from matplotlib.backend_bases import FigureCanvasBase

from depth_refine.datasets import PoseAnnotation, load_cameras
from depth_refine.datasets.body_2d_datasets import CocoBodyDataset, MpiiBodyDataset
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .cameras import check_cameras, check_views
from .figure import CheckedFrame, draw_check_figure
from .files import BODY_2D_FILES, check_body_2d, check_image, check_images, check_store, store_owner
from .frames import (
    check_counts,
    check_frame_numbers,
    check_joints,
    check_official_frame_numbers,
    check_roots,
    check_size,
)
from .projection import check_projection, reprojection
from .sources import SPLITS, Source, Sources, sources_of_config, sources_of_root

_FRAMES_DRAWN = 12


class Finding(NamedTuple):
    """One result of a check."""

    kind: str  # 'ok', 'note' (unusual, may be intended) or 'problem' (makes results wrong or a run fail)
    where: str  # a file or folder
    message: str  # for a problem also what to do


def check_data(
    data: str, figure: str | Path, seed: int = 0, coco: str | None = None, mpii: str | None = None
) -> list[Finding]:
    """The findings on a data root or on a config's data; also draws a figure of random frames.

    Nothing is written to the data root.

    Args:
        data: a data root in MMPose's Human3.6M layout, or a config, whose data sets have any skeleton and layout.
        figure: file of the figure.
        seed: chooses the frames.
        coco: data root of COCO, if it is to be checked, too.
        mpii: data root of MPII, if it is to be checked, too.

    Raises:
        InputError: ``data`` is neither a folder nor a config with data sets, ``figure`` has no suffix of a figure, or
            ``seed`` is negative.
    """
    path = Path(data)
    if not path.exists():
        raise InputError(
            f'no folder {path.absolute()}: expected a data root as described in docs/human36m.md, or the config of '
            'data of any other kind'
        )
    require_number('seed', seed, 0, whole=True)
    if Path(figure).suffix[1:].lower() not in (formats := FigureCanvasBase.filetypes):
        raise InputError(f'--figure {figure}: expected the name of a figure that ends in one of {", ".join(formats)}')
    sources = sources_of_root(path) if path.is_dir() else sources_of_config(path)
    frames: list[CheckedFrame] = []
    findings = list(_check_layout(path)) if path.is_dir() else []
    if sources.annotations:
        findings += _check_sources(sources, np.random.default_rng(seed), frames)
    for dataset_class, folder in ((CocoBodyDataset, coco), (MpiiBodyDataset, mpii)):
        if folder is not None:
            findings += _check_body_2d(dataset_class, Path(folder))
    if frames:
        draw_check_figure(frames, figure)
        message = f'{len(frames)} random frames: check that rings and crosses coincide on the joints'
        findings.append(Finding('ok', str(figure), message))
    return findings


def _check_layout(root: Path) -> Iterator[Finding]:
    """Say which of Human3.6M's annotations are missing."""
    count = 0
    for folder in sorted((root / 'annotation_body3d').glob('fps*')):
        found = [split for split in SPLITS if (folder / f'h36m_{split}.npz').is_file()]
        count += len(found)
        if 0 < len(found) < len(SPLITS):
            yield Finding('note', _name(root, folder), f'holds {", ".join(found)} of {", ".join(SPLITS)}')
    if not count:
        message = (
            'no annotation of Human3.6M: expected fps50/h36m_train.npz and h36m_test.npz, see docs/human36m.md. Give '
            'other data by the config that reads them: python tools/check_data.py CONFIG.py'
        )
        yield Finding('problem', 'annotation_body3d', message)


def _check_sources(sources: Sources, rng: np.random.Generator, frames: list[CheckedFrame]) -> Iterator[Finding]:
    """Check cameras, annotations, images and stores; adds random frames to ``frames``, for the figure."""
    root, subjects = sources.root, {split: set() for split in SPLITS}
    for file in sources.camera_files:
        try:
            cameras = load_cameras(file)
            for key, camera in cameras.items() if sources.is_human36m else ():
                if not isinstance(key, tuple) or len(key) != 2 or not set('RTfc') <= camera.keys():
                    raise InputError(
                        f"camera {key}: expected (subject, camera id) with 'R', 'T', 'f' and 'c', as Human3.6M's have"
                    )
            yield from _at(_name(root, file), check_cameras(cameras))
        except InputError as error:
            yield Finding('problem', _name(root, file), str(error))
            return
    stores = {store: store_owner(store) for store in sources.stores}
    for index, source in enumerate(sources.annotations):
        where = _name(root, source.path)
        try:
            annotation = source.read()
        except InputError as error:
            yield Finding('problem', where, str(error))
            continue
        yield from _at(where, _check_annotation(annotation, sources.is_human36m))
        if source.needs_images:
            yield from _at(where, check_images(annotation, source.images))
        for split in source.splits:
            subjects[split] |= {sequence.subject for sequence in annotation.sequences} - {''}
        if both := set.intersection(*subjects.values()):
            message = f'{sorted(both)} are subjects of both splits: test subjects must not be trained on.'
            yield Finding('problem', where, message)
        for store in [store for store, owner in stores.items() if owner == annotation.sha256]:
            yield from _at(_name(root, store), check_store(store, annotation))
            del stores[store]
        count = len(range(index, _FRAMES_DRAWN, len(sources.annotations)))  # frames are shared between the annotations
        yield from _sample_frames(root, source, annotation, count, rng, frames)
    for store in stores:
        message = 'the store belongs to no annotation that is checked, or is missing or damaged. Regenerate it.'
        yield Finding('problem', _name(root, store), message)


def _check_annotation(annotation: PoseAnnotation, is_human36m: bool) -> Iterator[tuple[str, str]]:
    """Check all frames; counts, steps of frame numbers and the place of the root are Human3.6M's."""
    if is_human36m:
        for check in (check_official_frame_numbers, check_counts, check_roots):
            yield from check(annotation)
    else:
        yield from check_frame_numbers(annotation)
    yield from check_size(annotation)
    yield from check_joints(annotation)
    yield from check_projection(annotation, is_exact=is_human36m)
    yield from check_views(annotation)


def _check_body_2d(dataset_class: type, root: Path) -> Iterator[Finding]:
    """Check the annotation files of COCO or MPII that exist."""
    files = BODY_2D_FILES[dataset_class]
    there = [file for file in files if (root / file).is_file()]
    if not there:
        yield Finding('problem', str(root), f'no annotations: expected {" or ".join(files)}')
    for file in there:
        yield from _at(str(root / file), check_body_2d(dataset_class, root, file, files[file]))


def _sample_frames(
    root: Path,
    source: Source,
    annotation: PoseAnnotation,
    count: int,
    rng: np.random.Generator,
    frames: list[CheckedFrame],
) -> Iterator[Finding]:
    """Add random frames to ``frames``, and check the images that are read for them."""
    for row in np.sort(rng.choice(len(annotation), min(count, len(annotation)), replace=False)):
        camera = annotation.cameras[annotation.sequence_ids[row]]
        crop = None if annotation.crops is None else annotation.crops[row]
        size = (camera['w'], camera['h']) if crop is None else tuple(crop[2:] - crop[:2])
        center, half = annotation.center[row], 100 * annotation.scale[row]
        path = source.images / annotation.img_names[row].decode()
        image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
        if path.is_file():
            yield from _at(_name(root, path), check_image(image, size, is_crop=crop is not None))
        keypoints = np.where(annotation.keypoints_visible[row, :, None], annotation.keypoints[row], np.nan)
        projected = np.full_like(keypoints, np.nan)
        if 'f' in camera:
            known = annotation.keypoints_3d_visible[row]
            projected[known] = reprojection(annotation.keypoints_3d[row][known], camera)
        box = np.r_[center - half, center + half]
        frames.append(CheckedFrame(path.stem, annotation.skeleton, image, crop, keypoints, projected, box))


def _name(root: Path, path: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _at(where: str, messages: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    try:
        yield from (Finding(kind, where, message) for kind, message in messages)
    except InputError as error:
        yield Finding('problem', where, str(error))
