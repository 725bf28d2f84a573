"""VideoPose3D's archives, converted to annotations in MMPose's layout and stores of published 2D detections."""

import filecmp
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from depth_refine.datasets import AnnotatedSequence, H36MAnnotation, load_cameras, write_sequence_store
from depth_refine.functional.camera import project, world_to_camera
from depth_refine.utils.atomic import hidden_folder
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import CAMERA_IDS, SPLITS

from .metadata import read_cameras
from .output import annotation_file, by_split, checked_steps, require_apart, write_annotations
from .raw_files import SequenceKey
from .videopose3d_archive import read_detections, read_poses

_POSES, _DETECTIONS = 'data_3d_h36m.npz', 'data_2d_h36m_'
_CAMERAS = 'annotation_body3d/cameras.pkl'


def import_videopose3d(raw: Path, out: Path, steps: Sequence[int]) -> dict[str, str]:
    """Write annotations, and a depth sequence store for each archive of detections, from VideoPose3D's archives.

    ``out/annotation_body3d`` gets ``cameras.pkl`` and for each step ``fps<50 / step>/h36m_{train,test}.npz``, with 3D
    poses in camera-frame metres and their projections as 2D poses, and the training poses' statistics, see
    :mod:`.pose_statistics`. ``out/depth_sequences/<name>/h36m_{train,test}`` gets the detections of
    ``data_2d_h36m_<name>.npz``, with scores 1 and without depths, for the annotation of the smallest step.

    The archives' frames count from the first of each video. Detections after the last pose are left out, and so are
    archives that are damaged, try to run code, or have other joints, units or lengths. Results appear when all of them
    are complete. Existing ones are kept if they are the same.

    Args:
        raw: folder with ``data_3d_h36m.npz``, any number of ``data_2d_h36m_<name>.npz``, and Human3.6M's
            ``metadata.xml`` or ``cameras.pkl``.
        out: the data root to make or to add to; its ``cameras.pkl`` is used if ``raw`` has no cameras.
        steps: annotate every n-th frame, for each n.

    Returns:
        For each archive of detections that was left out, its name and the reason.

    Raises:
        InputError: a step is below 1; there are no cameras; the archive of poses is missing or damaged, tries to run
            code, or has other joints or units; or ``out`` has other results, or contains ``raw``.
    """
    raw, out, steps = Path(raw), Path(out), checked_steps(steps)
    require_apart(raw, out)
    cameras = _find_cameras(raw, out)
    sequences = list(_annotate(raw / _POSES, cameras))
    left_out = {}
    with hidden_folder(out / 'videopose3d') as staging:
        write_annotations((staging / _CAMERAS).parent, cameras, sequences, steps)
        for archive in sorted(raw.glob(f'{_DETECTIONS}*.npz')):
            try:
                detections = _read_detections(archive, sequences)
            except InputError as error:
                left_out[archive.name] = str(error)
            else:
                _write_stores(archive, detections, sequences, steps[0], staging)
        _move_into_place(staging, out)
    return left_out


def _find_cameras(raw: Path, out: Path) -> dict[tuple[str, str], dict]:
    """The cameras of ``metadata.xml``, or of ``cameras.pkl`` in either folder."""
    if (raw / 'metadata.xml').is_file():
        return read_cameras(raw / 'metadata.xml')
    for path in (raw / 'cameras.pkl', out / _CAMERAS):
        if path.is_file():
            return load_cameras(path)
    raise InputError(
        f"VideoPose3D's archives hold no cameras: expected metadata.xml or cameras.pkl in {raw}, or {out / _CAMERAS}. "
        "metadata.xml is part of Human3.6M's official code, see docs/human36m.md."
    )


def _annotate(path: Path, cameras: dict) -> Iterator[AnnotatedSequence]:
    """The annotated sequences of all videos, made of poses in world metres."""
    poses = read_poses(path)
    unknown = {subject for subject, _ in poses} - {subject for subjects in SPLITS.values() for subject in subjects}
    if unknown or not poses:
        raise InputError(f'{path}: expected subjects of {SPLITS}, got {sorted(unknown) or "none"}')
    for (subject, action), positions in poses.items():
        for camera_id in CAMERA_IDS:
            if (camera := cameras.get((subject, camera_id))) is None:
                raise InputError(f'{path} has {subject}, but the camera file has no camera {(subject, camera_id)}')
            # float32 needs half the memory, and rounds by 0.5 micrometres
            joints = world_to_camera(positions, camera).astype(np.float32)
            try:
                keypoints = project(joints, camera).astype(np.float32)
            except ValueError as error:
                raise InputError(
                    f'{path}: {subject} {action!r} does not lie in front of camera {camera_id} ({error}). Expected '
                    'world metres, and the cameras of the same recording.'
                ) from error
            name = SequenceKey(subject, action, camera_id).name
            yield AnnotatedSequence(name, np.arange(1, len(joints) + 1), keypoints, joints)


def _read_detections(archive: Path, sequences: list[AnnotatedSequence]) -> dict[str, np.ndarray]:
    """The detections (T, 17, 2), px, of each video."""
    detections = {
        SequenceKey(subject, action, camera_id).name: keypoints
        for (subject, action), cameras in read_detections(archive).items()
        for camera_id, keypoints in zip(CAMERA_IDS, cameras, strict=True)
    }
    _check_lengths(archive, detections, sequences)
    return detections


def _write_stores(
    archive: Path, detections: dict[str, np.ndarray], sequences: list[AnnotatedSequence], step: int, staging: Path
) -> None:
    """Write the stores of an archive's detections, for the annotations of a step in ``staging``."""
    source = dict(file=archive.name, sha256=hashlib.sha256(archive.read_bytes()).hexdigest())
    for split, those in by_split(sequences).items():
        cameras = staging / _CAMERAS
        annotation = H36MAnnotation(annotation_file(cameras.parent, split, step), cameras)
        camera = annotation.cameras[0]
        meta = dict(source=source, image_size=[int(camera['w']), int(camera['h'])])
        keypoints = np.concatenate([detections[s.name][: len(s.frames) : step] for s in those])
        keypoints = np.insert(keypoints.astype(np.float32), 2, np.nan, axis=-1)
        path = staging / 'depth_sequences' / archive.stem.removeprefix(_DETECTIONS) / f'h36m_{split}'
        with write_sequence_store(path, annotation, 'published', meta, has_depth=False) as writer:
            writer.write(np.arange(len(keypoints)), keypoints, np.ones(keypoints.shape[:2]))


def _check_lengths(archive: Path, detections: dict[str, np.ndarray], sequences: list[AnnotatedSequence]) -> None:
    """Refuse detections that end before the poses of their video; log those that go on after the last pose."""
    surplus = [len(detections.get(sequence.name, ())) - len(sequence.frames) for sequence in sequences]
    if min(surplus) < 0:
        short = sequences[int(np.argmin(surplus))]
        count = len(short.frames)
        raise InputError(
            f'{archive}: expected detections for all {count} poses of {short.name}, got {count + min(surplus)}. Give '
            f'an archive made from the same recordings as {_POSES}, or remove this one.'
        )
    if any(surplus):
        print_log(
            f'{archive.name}: {np.count_nonzero(surplus)} of {len(sequences)} videos have more detections than poses, '
            f'up to {max(surplus)}; those after the last pose are left out',
            logger='current',
        )


def _move_into_place(staging: Path, out: Path) -> None:
    """Move files and stores to ``out``, unless different ones exist there."""
    parts = [path for path in staging.glob('annotation_body3d/**/*.*') if path.is_file()]
    parts.sort(key=lambda path: path.name.endswith('_stats.pkl'))  # last: they differ if an annotation does
    parts += staging.glob('depth_sequences/*/*')
    targets = {part: out / part.relative_to(staging) for part in parts}
    for part, target in targets.items():
        if target.exists() and not _same(part, target):
            raise InputError(f'{target} exists already and differs. Remove it, or give another output folder.')
    for part, target in targets.items():
        if target.exists():
            print_log(f'{target} is complete and the same: kept', logger='current')
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            part.rename(target)


def _same(first: Path, second: Path) -> bool:
    """Whether two files, or all files of two folders, have the same content."""
    if first.is_dir():
        names = [path.name for path in first.iterdir()]
        same = second.is_dir() and len(names) == len(list(second.iterdir()))
        return same and filecmp.cmpfiles(first, second, names, shallow=False)[0] == names
    if first.name != 'cameras.pkl':
        return second.is_file() and filecmp.cmp(first, second, shallow=False)
    cameras, others = load_cameras(first), load_cameras(second)  # pickles of equal objects may differ
    return cameras.keys() == others.keys() and all(
        np.array_equal(value, others[key].get(name))
        for key, camera in cameras.items()
        for name, value in camera.items()
    )
