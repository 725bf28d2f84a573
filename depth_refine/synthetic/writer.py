"""Writing of a synthetic Human3.6M in MMPose's layout."""

import pickle
import shutil
from collections.abc import Sequence
from concurrent.futures import as_completed
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from depth_refine.datasets.annotation_writer import AnnotatedSequence, write_annotation
from depth_refine.functional.camera import project, world_to_camera
from depth_refine.synthetic.cameras import make_cameras
from depth_refine.synthetic.kinematics import FPS
from depth_refine.synthetic.mocap import read_clips
from depth_refine.synthetic.motion import ACTIVITIES
from depth_refine.synthetic.performances import Performance, choose_test_subjects, procedural_performances
from depth_refine.synthetic.renderer import SequenceRenderer
from depth_refine.synthetic.scene import make_scene
from depth_refine.synthetic.shading import Light
from depth_refine.synthetic.subjects import SUBJECTS, TEST_SUBJECTS, make_appearance
from depth_refine.utils.atomic import whole_folder
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_names import image_name
from depth_refine.utils.options import require_number
from depth_refine.utils.parallel import worker_count, worker_pool

_JPEG_QUALITY = 92
_BYTES_A_PIXEL, _BYTES_AN_IMAGE = 0.4, 3000  # generous: noisy JPEG, annotation row and file system
_SMALLEST_IMAGE = 32


def make_synthetic(
    out: str | Path,
    seed: int = 0,
    frames: int | None = None,
    image_size: int = 256,
    workers: int | None = None,
    motion: str | Path | None = None,
    test_subjects: Sequence[str] | None = None,
    subjects: Sequence[str] = SUBJECTS,
    activities: Sequence[str] = tuple(ACTIVITIES),
) -> Path:
    """Write a synthetic Human3.6M at 50 frames per second.

    The folder appears, complete, at the end. The same arguments give the same bytes, whatever the number of workers.

    Args:
        out: folder to make; must not exist.
        seed: seed of all that is random.
        frames: frames of each sequence (default 100); with ``motion``, the most frames of each clip (default all).
        image_size: width and height of the images, px.
        workers: processes (default: one for each core). With more than one, call this under
            ``if __name__ == '__main__':`` as the processes import the calling script.
        motion: file of motion clips, see :func:`mocap.read_clips`, instead of procedural motion.
        test_subjects: subjects of the test split (default those of S9 and S11 that are among ``subjects``; with
            ``motion`` about 27 % of the frames).
        subjects: which procedural subjects to write, see :func:`subjects.name_subjects`.
        activities: which procedural activities to write.

    Returns:
        The absolute path of the folder.

    Raises:
        InputError: the folder exists, an argument or the motion file does not fit, or the disk is too full.

    Example:
        >>> import tempfile
        >>> from depth_refine.synthetic import make_synthetic
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data = make_synthetic(
        ...         f'{folder}/data', frames=1, image_size=32, workers=1, subjects=['S1', 'S9'], activities=['Walking']
        ...     )
        ...     len(list(data.glob('images/*/*/*.jpg')))  # one of each subject from each of four cameras
        8
    """
    out = Path(out).absolute()
    if out.exists():
        raise InputError(f'{out} exists: give another folder, or remove it first')
    if image_size < _SMALLEST_IMAGE:
        raise InputError(f'expected images of {_SMALLEST_IMAGE} px or more, got {image_size} px')
    if frames is not None and frames < 1:
        raise InputError(f'expected 1 frame or more, got {frames}')
    require_number('seed', seed, 0, whole=True)
    for names in (test_subjects or (), subjects):
        if len(set(names)) < len(names):
            raise InputError(f'expected every subject once, got {" ".join(names)}')
    workers = worker_count(workers)
    if motion is None:
        performances = procedural_performances(subjects, activities, 100 if frames is None else frames, seed)
        test_subjects = set(TEST_SUBJECTS) & set(subjects) if test_subjects is None else test_subjects
    else:
        performances = read_clips(motion, frames)
        test_subjects = choose_test_subjects(performances) if test_subjects is None else test_subjects
    splits = _split(performances, test_subjects)
    cameras = _make_all_cameras(performances, seed, image_size)
    videos = [(p, camera) for p in performances for (subject, _), camera in cameras.items() if subject == p.subject]
    with whole_folder(out) as partial:
        _check_space(partial, sum(len(p.joints) for p, _ in videos), image_size)
        _write_annotations(partial / 'annotation_body3d', splits, videos, cameras)
        _write_images(partial / 'images', videos, seed, workers)
    return out


def _split(performances: list[Performance], test_subjects: Sequence[str]) -> dict[str, set]:
    subjects, tested = {p.subject for p in performances}, set(test_subjects)
    if not tested or not tested < subjects:
        raise InputError(
            f'the test subjects {sorted(test_subjects)} must be some of the subjects {sorted(subjects)}, but not all'
        )
    return {'train': subjects - tested, 'test': tested}


def _make_all_cameras(performances: list[Performance], seed: int, image_size: int) -> dict:
    cameras = {}
    for subject, index in dict.fromkeys((p.subject, p.subject_index) for p in performances):
        joints = np.concatenate([p.joints for p in performances if p.subject == subject])
        cameras |= make_cameras(subject, index, seed, image_size, joints)
    return cameras


def _check_space(folder: Path, images: int, image_size: int) -> None:
    needed, free = images * (_BYTES_A_PIXEL * image_size**2 + _BYTES_AN_IMAGE), shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f'{images} images of {image_size} px need up to {needed / 1e9:.1f} GB in {folder.parent}, where '
            f'{free / 1e9:.1f} GB are free: write elsewhere, or fewer or smaller images'
        )


def _write_annotations(folder: Path, splits: dict, videos: list, cameras: dict) -> None:
    folder.mkdir()
    with open(folder / 'cameras.pkl', 'wb') as file:
        pickle.dump(cameras, file, protocol=4)
    for split, subjects in splits.items():
        sequences = [_annotate(p, camera) for p, camera in videos if p.subject in subjects]
        write_annotation(folder / f'fps50/h36m_{split}.npz', sequences, FPS)


def _annotate(performance: Performance, camera: dict) -> AnnotatedSequence:
    """Annotation of one video."""
    joints = world_to_camera(performance.joints, camera)
    joints[:, 0] = (joints[:, 1] + joints[:, 4]) / 2  # exactly
    frames = np.arange(1, len(joints) + 1)
    return AnnotatedSequence(performance.sequence(camera), frames, project(joints, camera), joints)


def _write_images(folder: Path, videos: list, seed: int, workers: int) -> None:
    total = sum(len(p.joints) for p, _ in videos)
    with tqdm(total=total, unit='image', desc='images', smoothing=0.05) as progress:
        if workers == 1:  # without the seconds that processes need to start
            for video in videos:
                progress.update(_write_video(folder, *video, seed))
            return
        with worker_pool(min(workers, len(videos)), __name__) as pool:
            for future in as_completed([pool.submit(_write_video, folder, *video, seed) for video in videos]):
                progress.update(future.result())


def _write_video(folder: Path, performance: Performance, camera: dict, seed: int) -> int:
    """Draw and write the images of one performance from one camera; returns how many."""
    who, what = performance.subject_index, performance.action_index
    light = Light.random(np.random.default_rng([seed, 5, who, what]))
    room, rng = np.random.default_rng([seed, 6, who]), np.random.default_rng([seed, 7, who, what, int(camera['id'])])
    scene = make_scene(camera, light, performance.seat, room, rng)
    draw = SequenceRenderer(performance.joints, make_appearance(who, seed), scene, rng)
    frames = len(performance.joints)
    paths = [folder / image_name(performance.sequence(camera), frame + 1) for frame in range(frames)]
    paths[0].parent.mkdir(parents=True)
    for frame, path in enumerate(paths):
        _, encoded = cv2.imencode('.jpg', draw(frame), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        path.write_bytes(encoded)
    return frames
