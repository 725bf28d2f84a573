"""Checks everything in a data root."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from matplotlib.backend_bases import FigureCanvasBase

from depth_refine.datasets import H36MAnnotation, load_cameras
from depth_refine.datasets.body_2d_datasets import CocoBodyDataset, MpiiBodyDataset
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .cameras import check_cameras, check_projection, check_views, reprojection
from .figure import CheckedFrame, draw_check_figure
from .files import BODY_2D_FILES, check_body_2d, check_image, check_images, check_store, find_stores
from .frames import check_counts, check_frame_numbers, check_joints

_ANNOTATION_CHECKS = (check_frame_numbers, check_counts, check_joints, check_projection, check_views)
_FRAMES_DRAWN = 12
_SPLITS = ('train', 'test')


class Finding(NamedTuple):
    """One result of a check."""

    kind: str  # 'ok', 'note' (unusual, may be intended) or 'problem' (makes results wrong or a run fail)
    where: str  # a file or folder of the data root
    message: str  # for a problem also what to do


def check_data(
    root: str, figure: str | Path, seed: int = 0, coco: str | None = None, mpii: str | None = None
) -> list[Finding]:
    """The findings on a data root in MMPose's Human3.6M layout; also draws a figure of random frames.

    Nothing is written to the data root.

    Args:
        root: the data root.
        figure: file of the figure.
        seed: chooses the frames.
        coco: data root of COCO, if it is to be checked, too.
        mpii: data root of MPII, if it is to be checked, too.

    Raises:
        InputError: ``root`` is not a folder, ``figure`` has no suffix of a figure, or ``seed`` is negative.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f'no folder {root.absolute()}: expected a data root as described in docs/human36m.md')
    require_number('seed', seed, 0, whole=True)
    if Path(figure).suffix[1:].lower() not in (formats := FigureCanvasBase.filetypes):
        raise InputError(f'--figure {figure}: expected the name of a figure that ends in one of {", ".join(formats)}')
    frames: list[CheckedFrame] = []
    findings = list(_check_root(root, np.random.default_rng(seed), frames))
    for dataset_class, folder in ((CocoBodyDataset, coco), (MpiiBodyDataset, mpii)):
        if folder is not None:
            findings += _check_body_2d(dataset_class, Path(folder))
    if frames:
        draw_check_figure(frames, figure)
        message = f'{len(frames)} random frames: check that rings and crosses coincide on the joints'
        findings.append(Finding('ok', str(figure), message))
    return findings


def _check_root(root: Path, rng: np.random.Generator, frames: list[CheckedFrame]) -> Iterator[Finding]:
    """Check cameras, annotations, images and stores; adds random frames to ``frames``, for the figure."""
    files = []
    for folder in sorted((root / 'annotation_body3d').glob('fps*')):
        found = [split for split in _SPLITS if (folder / f'h36m_{split}.npz').is_file()]
        files += [folder / f'h36m_{split}.npz' for split in found]
        if len(found) < len(_SPLITS):
            yield Finding('note', _name(root, folder), f'holds {", ".join(found) or "nothing"} of {", ".join(_SPLITS)}')
    if not files:
        message = 'no annotation: expected fps50/h36m_train.npz and h36m_test.npz, see docs/human36m.md'
        yield Finding('problem', 'annotation_body3d', message)
    camera_file = root / 'annotation_body3d/cameras.pkl'
    try:
        cameras = load_cameras(camera_file)
        for key, camera in cameras.items():
            if not isinstance(key, tuple) or len(key) != 2 or not set('RTfc') <= camera.keys():
                raise InputError(
                    f"camera {key}: expected (subject, camera id) with 'R', 'T', 'f' and 'c', as Human3.6M's have"
                )
        yield from _at(_name(root, camera_file), check_cameras(cameras))
    except InputError as error:
        yield Finding('problem', _name(root, camera_file), str(error))
        return
    stores, subjects = find_stores(root), {split: set() for split in _SPLITS}
    for index, path in enumerate(files):
        where = _name(root, path)
        try:
            annotation = H36MAnnotation(path, camera_file)
        except InputError as error:
            yield Finding('problem', where, str(error))
            continue
        for check in _ANNOTATION_CHECKS:
            yield from _at(where, check(annotation))
        yield from _at(where, check_images(annotation, root / 'images'))
        subjects[path.stem.removeprefix('h36m_')] |= {sequence.subject for sequence in annotation.sequences}
        if both := set.intersection(*subjects.values()):
            message = f'{sorted(both)} are subjects of both splits: test subjects must not be trained on.'
            yield Finding('problem', where, message)
        for store in [store for store, owner in stores.items() if owner == annotation.sha256]:
            yield from _at(_name(root, store), check_store(store, annotation))
            del stores[store]
        count = len(range(index, _FRAMES_DRAWN, len(files)))  # frames are shared between the annotations
        yield from _sample_frames(root, annotation, count, rng, frames)
    for store in stores:
        message = 'the store belongs to no annotation of this data root, or is damaged. Regenerate it.'
        yield Finding('problem', _name(root, store), message)


def _check_body_2d(dataset_class: type, root: Path) -> Iterator[Finding]:
    """Check the annotation files of COCO or MPII that exist."""
    files = BODY_2D_FILES[dataset_class]
    there = [file for file in files if (root / file).is_file()]
    if not there:
        yield Finding('problem', str(root), f'no annotations: expected {" or ".join(files)}')
    for file in there:
        yield from _at(str(root / file), check_body_2d(dataset_class, root, file, files[file]))


def _sample_frames(
    root: Path, annotation: H36MAnnotation, count: int, rng: np.random.Generator, frames: list[CheckedFrame]
) -> Iterator[Finding]:
    """Add random frames to ``frames``, and check the images that are read for them."""
    for row in np.sort(rng.choice(len(annotation), min(count, len(annotation)), replace=False)):
        camera = annotation.cameras[annotation.sequence_ids[row]]
        crop = None if annotation.crops is None else annotation.crops[row]
        size = (camera['w'], camera['h']) if crop is None else tuple(crop[2:] - crop[:2])
        center, half = annotation.center[row], 100 * annotation.scale[row]
        path = root / 'images' / annotation.img_names[row].decode()
        image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
        if path.is_file():
            yield from _at(_name(root, path), check_image(image, size, is_crop=crop is not None))
        projected, box = reprojection(annotation.keypoints_3d[row], camera), np.r_[center - half, center + half]
        frames.append(
            CheckedFrame(path.stem, annotation.skeleton, image, crop, annotation.keypoints[row], projected, box)
        )


def _name(root: Path, path: Path) -> str:
    return str(path.relative_to(root))


def _at(where: str, messages: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    try:
        yield from (Finding(kind, where, message) for kind, message in messages)
    except InputError as error:
        yield Finding('problem', where, str(error))
