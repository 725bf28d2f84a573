"""From VideoPose3D's archives to annotations in MMPose's layout and stores of published 2D detections."""

import filecmp
import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from depth_refine.datasets import (
    AnnotatedSequence,
    H36MAnnotation,
    load_cameras,
    write_annotation,
    write_sequence_store,
)
from depth_refine.functional.camera import project, world_to_camera
from depth_refine.utils.atomic import hidden_folder
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import CAMERA_IDS, SPLITS

from .metadata import read_cameras
from .videopose3d_archive import read_detections, read_poses

FRAME_RATE = 50
_POSES, _DETECTIONS = 'data_3d_h36m.npz', 'data_2d_h36m_'
_CAMERAS = 'annotation_body3d/cameras.pkl'


def import_videopose3d(raw: Path, out: Path, steps: Sequence[int]) -> None:
    """Make annotations, and a depth sequence store for each archive of detections, from VideoPose3D's archives.

    ``out/annotation_body3d`` gets ``cameras.pkl`` and for each step ``fps<50 / step>/h36m_{train,test}.npz``, 3D poses
    in camera-frame metres and 2D poses by projecting them. ``out/depth_sequences/<name>/h36m_{train,test}`` gets the
    detections of ``data_2d_h36m_<name>.npz``, scores 1 and no depths, for the annotation of the smallest step.

    The archives count the frames of a video from its first. Detections that go on after the last pose are left out.
    Results appear when all of them are complete. Those already there are kept if they are the same.

    Args:
        raw: folder with ``data_3d_h36m.npz``, any number of ``data_2d_h36m_<name>.npz``, and Human3.6M's
            ``metadata.xml`` or ``cameras.pkl``.
        out: the data root to make or to add to; its ``cameras.pkl`` is used if ``raw`` has neither.
        steps: annotate every n-th frame, for each n.

    Raises:
        InputError: a step is below 1; there are no cameras; an archive is missing or damaged, asks for code to be run,
            or holds other joints or units; detections of a video are missing or end before its poses; or other results
            are in the way.
    """
    raw, out = Path(raw), Path(out)
    steps = sorted(set(steps))
    if steps[0] < 1:
        raise InputError(f'expected steps of 1 or more, got {steps[0]}')
    cameras = _find_cameras(raw, out)
    splits = _annotate(raw / _POSES, cameras)
    archives = sorted(raw.glob(f'{_DETECTIONS}*.npz'))
    with hidden_folder(out / 'videopose3d') as staging:
        (staging / _CAMERAS).parent.mkdir()
        (staging / _CAMERAS).write_bytes(pickle.dumps(cameras, protocol=4))
        for step in steps:
            for split, sequences in splits.items():
                path = staging / f'annotation_body3d/fps{FRAME_RATE / step:g}/h36m_{split}.npz'
                write_annotation(path, [_every(step, sequence) for sequence in sequences])
        for archive in archives:
            _write_stores(archive, splits, steps[0], staging)
        _move_into_place(staging, out)


def _find_cameras(raw: Path, out: Path) -> dict[tuple[str, str], dict]:
    """The first cameras that there are."""
    if (raw / 'metadata.xml').is_file():
        return read_cameras(raw / 'metadata.xml')
    for path in (raw / 'cameras.pkl', out / _CAMERAS):
        if path.is_file():
            return load_cameras(path)
    raise InputError(
        f"VideoPose3D's archives hold no cameras: expected metadata.xml or cameras.pkl in {raw}, or {out / _CAMERAS}. "
        "metadata.xml is part of Human3.6M's official code, see docs/human36m.md."
    )


def _annotate(path: Path, cameras: dict) -> dict[str, list[AnnotatedSequence]]:
    """The videos of each split that has any, every frame."""
    poses = read_poses(path)
    unknown = {subject for subject, _ in poses} - {subject for subjects in SPLITS.values() for subject in subjects}
    if unknown or not poses:
        raise InputError(f'{path}: expected subjects of {SPLITS}, got {sorted(unknown) or "none"}')
    splits = {
        split: [
            _annotate_video(path, subject, action, camera, poses[subject, action], cameras)
            for subject, action in poses
            if subject in subjects
            for camera in CAMERA_IDS
        ]
        for split, subjects in SPLITS.items()
    }
    return {split: sequences for split, sequences in splits.items() if sequences}


def _annotate_video(
    path: Path, subject: str, action: str, camera_id: str, positions: np.ndarray, cameras: dict
) -> AnnotatedSequence:
    """Annotation of every frame from world metres (T, 17, 3)."""
    try:
        camera = cameras[subject, camera_id]
    except KeyError:
        raise InputError(f'{path} has {subject}, but the camera file has no camera {(subject, camera_id)}') from None
    joints = world_to_camera(positions, camera).astype(np.float32)  # half the memory; rounded by 0.5 micrometres
    try:
        keypoints = project(joints, camera).astype(np.float32)
    except ValueError as error:
        raise InputError(
            f'{path}: {subject} {action!r} does not lie in front of camera {camera_id} ({error}). Expected world '
            'metres, and the cameras of the same recording.'
        ) from error
    return AnnotatedSequence(_name(subject, action, camera_id), np.arange(1, len(joints) + 1), keypoints, joints)


def _name(subject: str, action: str, camera_id: str) -> str:
    return f'{subject}_{action.replace(" ", "_")}.{camera_id}'


def _every(step: int, sequence: AnnotatedSequence) -> AnnotatedSequence:
    """Every ``step``-th frame, from the first."""
    name, *arrays, _ = sequence
    return AnnotatedSequence(name, *(array[::step] for array in arrays))


def _write_stores(archive: Path, splits: dict[str, list[AnnotatedSequence]], step: int, staging: Path) -> None:
    """Write the detections of an archive for the annotations that lie in ``staging``."""
    detections = {
        _name(subject, action, camera_id): keypoints
        for (subject, action), cameras in read_detections(archive).items()
        for camera_id, keypoints in zip(CAMERA_IDS, cameras, strict=True)
    }
    _trim(archive, detections, [sequence for sequences in splits.values() for sequence in sequences])
    with archive.open('rb') as file:
        source = dict(file=archive.name, sha256=hashlib.file_digest(file, 'sha256').hexdigest())
    for split, sequences in splits.items():
        ann_file = staging / f'annotation_body3d/fps{FRAME_RATE / step:g}/h36m_{split}.npz'
        annotation = H36MAnnotation(ann_file, staging / _CAMERAS)
        camera = annotation.cameras[0]
        meta = dict(source=source, image_size=[int(camera['w']), int(camera['h'])])
        path = staging / 'depth_sequences' / archive.stem.removeprefix(_DETECTIONS) / f'h36m_{split}'
        with write_sequence_store(path, annotation, 'published', meta, has_depth=False) as writer:
            start = 0
            for sequence in sequences:
                keypoints = detections[sequence.name][::step]
                rows = np.arange(start, start + len(keypoints))
                no_depth = np.full((*keypoints.shape[:2], 1), np.nan)
                writer.write(rows, np.concatenate([keypoints, no_depth], axis=-1), np.ones(keypoints.shape[:2]))
                start += len(keypoints)


def _trim(archive: Path, detections: dict[str, np.ndarray], sequences: list[AnnotatedSequence]) -> None:
    """Cut detections, in place, after the last pose of their video."""
    surplus = []
    for sequence in sequences:
        count, found = len(sequence.frames), len(detections.get(sequence.name, ()))
        if found < count:
            raise InputError(
                f'{archive}: expected detections for all {count} poses of {sequence.name}, got {found}. Give an '
                f'archive made from the same recordings as {_POSES}, or remove this one.'
            )
        if found > count:
            surplus.append(found - count)
            detections[sequence.name] = detections[sequence.name][:count]
    if surplus:
        print_log(
            f'{archive.name}: {len(surplus)} of {len(sequences)} videos have more detections than poses, up to '
            f'{max(surplus)}; those after the last pose are left out',
            logger='current',
        )


def _move_into_place(staging: Path, out: Path) -> None:
    """Move the results to ``out``, unless others are there already."""
    parts = [path for path in staging.glob('annotation_body3d/**/*.*') if path.is_file()]
    parts += staging.glob('depth_sequences/*/*')
    present = [path for path in parts if (out / path.relative_to(staging)).exists()]
    for path in present:
        target = out / path.relative_to(staging)
        if not (_same_cameras if path.suffix == '.pkl' else _same_bytes)(path, target):
            raise InputError(f'{target} is there already and differs. Remove it, or give another output folder.')
    for path in parts:
        target = out / path.relative_to(staging)
        if path in present:
            print_log(f'{target} is complete and the same: kept', logger='current')
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)


def _same_cameras(first: Path, second: Path) -> bool:
    """Whether two camera files hold the same numbers; pickles of one thing can differ."""
    first, second = load_cameras(first), load_cameras(second)
    return first.keys() == second.keys() and all(
        np.array_equal(value, second[key].get(name)) for key, camera in first.items() for name, value in camera.items()
    )


def _same_bytes(first: Path, second: Path) -> bool:
    """Whether two files, or all files of two folders, have the same bytes."""
    if first.is_file():
        return second.is_file() and filecmp.cmp(first, second, shallow=False)
    names = sorted(path.name for path in first.iterdir())
    return (
        second.is_dir()
        and names == sorted(path.name for path in second.iterdir())
        and filecmp.cmpfiles(first, second, names, shallow=False)[1:] == ([], [])
    )
