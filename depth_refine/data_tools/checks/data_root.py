"""Looks at everything in a data root and says what is wrong."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from depth_refine.datasets import H36MAnnotation, load_cameras
from depth_refine.utils.errors import InputError

from .annotation import check_annotation
from .body_2d import CocoBodyDataset, MpiiBodyDataset, check_body_2d
from .cameras import check_cameras
from .findings import Finding, Findings
from .images import check_files, read_image
from .picture import CheckedFrame, draw_check_picture
from .projection import check_projection, reprojection
from .stores import check_store, find_stores

_FRAME_RATE = 50
_FRAMES_DRAWN = 12
_SPLITS = ('train', 'test')


def check_data(
    root: str | Path,
    picture: str | Path,
    seed: int = 0,
    coco: str | Path | None = None,
    mpii: str | Path | None = None,
) -> list[Finding]:
    """Check a data root in MMPose's Human3.6M layout and draw random frames of it.

    Nothing is written into ``root``.

    Args:
        root: the data root.
        picture: the picture to draw.
        seed: chooses the frames.
        coco: data root of COCO, if it should be checked too.
        mpii: data root of MPII, likewise.

    Returns:
        What there is to say, file by file; ``kind`` is 'problem' for what must be put right.

    Raises:
        InputError: ``root`` is not a folder.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f'no folder {root.absolute()}: expected a data root as described in docs/human36m.md')
    findings = Findings()
    frames = _check_annotations(root, np.random.default_rng(seed), findings)
    for dataset_class, folder in ((CocoBodyDataset, coco), (MpiiBodyDataset, mpii)):
        if folder is not None:
            check_body_2d(dataset_class, Path(folder), findings)
    if frames:
        draw_check_picture(frames, picture)
        findings.ok(str(picture), f'{len(frames)} random frames: see that rings and crosses coincide on the joints')
    return findings


def _check_annotations(root: Path, rng: np.random.Generator, findings: Findings) -> list[CheckedFrame]:
    """Check cameras, annotations, images and stores; returns frames to draw."""
    files = _check_layout(root, findings)
    camera_file = root / 'annotation_body3d/cameras.pkl'
    try:
        check_cameras(load_cameras(camera_file), _name(root, camera_file), findings)
    except InputError as error:
        findings.problem(_name(root, camera_file), str(error))
        return []
    stores = find_stores(root)
    frames, splits = [], {}
    for index, path in enumerate(files):
        try:
            annotation = H36MAnnotation(path, camera_file)
        except InputError as error:
            findings.problem(_name(root, path), str(error))
            continue
        _check_content(root, annotation, findings)
        _check_splits(annotation, splits, _name(root, path), findings)
        for store in [store for store, owner in stores.items() if owner == annotation.sha256]:
            check_store(store, annotation, _name(root, store), findings)
            del stores[store]
        count = len(range(index, _FRAMES_DRAWN, len(files)))  # the dozen, shared out
        frames += _sample_frames(root, annotation, count, rng, findings)
    for store in stores:
        findings.problem(
            _name(root, store), 'the store belongs to no annotation of this data root, or is damaged. Make it again.'
        )
    return frames


def _name(root: Path, path: Path) -> str:
    return str(path.relative_to(root))


def _check_layout(root: Path, findings: Findings) -> list[Path]:
    """The annotations that there are."""
    files = []
    folders = sorted((root / 'annotation_body3d').glob('fps*'))
    for folder in folders:
        found = {split: folder / f'h36m_{split}.npz' for split in _SPLITS if (folder / f'h36m_{split}.npz').is_file()}
        files += found.values()
        if len(found) < len(_SPLITS):
            findings.note(_name(root, folder), f'holds {", ".join(found) or "nothing"} of {", ".join(_SPLITS)}')
    if not files:
        findings.problem(
            'annotation_body3d', 'no annotation: expected fps50/h36m_train.npz and h36m_test.npz, see docs/human36m.md'
        )
    return files


def _check_content(root: Path, annotation: H36MAnnotation, findings: Findings) -> None:
    """All checks of an annotation but its stores."""
    where = _name(root, annotation.path)
    try:
        step = _FRAME_RATE / float(annotation.path.parent.name.removeprefix('fps'))
    except (ValueError, ZeroDivisionError):
        step = 1.0
        findings.note(where, f'the name of its folder does not tell its frame rate as fps50 does; {_FRAME_RATE} taken')
    check_annotation(annotation, step, where, findings)
    check_projection(annotation, where, findings)
    check_files(annotation, root / 'images', where, findings)


def _check_splits(annotation: H36MAnnotation, splits: dict[str, set[str]], where: str, findings: Findings) -> None:
    """No subject may be in both splits."""
    split = annotation.path.stem.removeprefix('h36m_')
    subjects = splits.setdefault(split, set())
    subjects |= {sequence.subject for sequence in annotation.sequences}
    common = set.intersection(*splits.values()) if len(splits) > 1 else set()
    if common:
        findings.problem(where, f'{sorted(common)} are subjects of both splits: test subjects must not be trained on.')


def _sample_frames(
    root: Path, annotation: H36MAnnotation, count: int, rng: np.random.Generator, findings: Findings
) -> Iterator[CheckedFrame]:
    """Random frames to draw; reading their images is a check of its own."""
    rows = rng.choice(len(annotation), min(count, len(annotation)), replace=False)
    for row in np.sort(rows):
        camera = annotation.cameras[annotation.sequence_ids[row]]
        crop = None if annotation.crops is None else annotation.crops[row]
        size = (camera['w'], camera['h']) if crop is None else tuple(crop[2:] - crop[:2])
        center, half = annotation.center[row], 100 * annotation.scale[row]
        path = root / 'images' / annotation.img_names[row].decode()
        yield CheckedFrame(
            title=path.stem,
            image=read_image(path, size, crop is not None, _name(root, path), findings),
            crop=crop,
            keypoints=annotation.keypoints[row],
            projected=reprojection(annotation.keypoints_3d[row], camera),
            box=np.concatenate([center - half, center + half]),
        )
