"""The contents of MPI-INF-3DHP's files for each video, checked before anything is written."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.functional.camera import project
from depth_refine.utils.units import FROM_CAMERA, FROM_ROOT, focal_length, unit_fault

from .frames import Crops, VideoSample, make_crops, sample_video
from .mpi_inf_3dhp_facts import (
    ACTIVITIES,
    CAMERAS,
    INTERCHANGED,
    JOINTS_OF_28,
    MIRRORED_JOINTS,
    RECORDINGS,
    ROOTS,
    SHORT_VIDEOS,
    TEST_RATE,
    TEST_SETS,
)
from .mpi_inf_3dhp_files import Poses, read_calibration, read_test_annotation, read_training_annotation
from .raw_files import SequenceError

_PROJECTION_LIMIT = 1.0  # px, median; the training set's files have 0.005
_FIT_LIMIT = 0.01  # of the image width, median error of a test set's fitted camera


class VideoKey(NamedTuple):
    """One video, by its names."""

    subject: str  # S1, or TS1
    sequence: str = ''  # Seq1; empty for test sets, which have one
    camera: str = ''  # Cam0; empty for test sets, which have one

    @property
    def name(self) -> str:
        """The name as in image names: S1_Seq1_Cam0, TS1."""
        return '_'.join(filter(None, self))

    def __str__(self) -> str:
        return self.name


class FoundVideo(NamedTuple):
    """The contents of the files for one video: T frames, K joints."""

    poses_2d: np.ndarray  # (T, K, 2) float32 px
    poses_3d: np.ndarray  # (T, K, 3) float32 camera-frame metres
    universal: np.ndarray  # (T, K, 3) float32 metres, of one body for all subjects, the root as in poses_3d
    camera: dict
    rate: float  # frames a second
    source: Path  # the video, or the folder of images
    evaluated: np.ndarray | None  # (T,) bool; None for all
    activities: np.ndarray | None  # (T,) str
    crops: Crops | None
    video: VideoSample | None
    note: str | None


def inspect_folder(
    folder: Path, key: VideoKey, joints: int, images: bool, crops: bool
) -> dict[VideoKey, FoundVideo | SequenceError]:
    """The contents of a sequence's folder, ``S1/Seq1`` or ``TS1``, with the beginnings of its videos or images.

    Returns:
        For each video its contents, or the error in them.

    Raises:
        SequenceError: a file that all its videos need is missing or damaged.
    """
    if key.subject in TEST_SETS:
        return {key: _finish(_test_set(folder, key), images, crops)}
    found: dict[VideoKey, FoundVideo | SequenceError] = {}
    cameras = read_calibration(folder / 'camera.calibration')
    for number, poses in read_training_annotation(folder / 'annot.mat', CAMERAS).items():
        video = key._replace(camera=f'Cam{number}')
        try:
            if isinstance(poses, SequenceError):
                raise poses
            if number not in cameras:
                raise SequenceError(f'{folder / "camera.calibration"} has no camera {number}')
            found[video] = _finish(_recording(folder, key, number, poses, cameras[number], joints), images, crops)
        except SequenceError as error:
            found[video] = error
    return found


def _recording(folder: Path, key: VideoKey, number: int, poses: Poses, camera: dict, joints: int) -> FoundVideo:
    """A video of the training set."""
    recording, notes = RECORDINGS[key.subject, key.sequence], []
    frames = SHORT_VIDEOS.get((key.subject, key.sequence, number), recording.frames)
    if frames < recording.frames:
        notes.append(f'its video is known to end after {frames} frames')
    if len(poses.poses_2d) < frames:
        notes.append(f'{len(poses.poses_2d)} frames are annotated, not {frames}')
    if frames_between := INTERCHANGED.get((key.subject, key.sequence)):
        poses, note = _interchange_back(poses, *frames_between)
        notes.append(note)
    chosen = list(JOINTS_OF_28 if joints == 17 else range(joints))
    poses = Poses(*(array[:frames, chosen] for array in poses))
    _check(f'{folder / "annot.mat"}, camera {number}', poses, ROOTS[joints])
    error = np.median(np.linalg.norm(project(poses.poses_3d.astype(float), camera) - poses.poses_2d, axis=-1))
    if error > _PROJECTION_LIMIT:
        raise SequenceError(
            f'{folder}: annot3 of camera {number} is projected {error:.1f} px (median) away from annot2: expected '
            'annot.mat and camera.calibration to agree'
        )
    source = folder / 'imageSequence' / f'video_{number}.avi'
    return _found(poses, camera, recording.rate, source, ROOTS[joints], '; '.join(notes))


def _interchange_back(poses: Poses, first: int, end: int) -> tuple[Poses, str]:
    """The poses with left and right put right in the frames from ``first`` to ``end`` - 1, and a note.

    They count as interchanged if, at both ends, interchanging them brings joints closer to those of the frame outside.
    """
    where, joints = f'frames {first + 1} to {end}', poses.poses_3d

    def jumps(at: int) -> bool:
        as_it_is, mirrored = (np.abs(now - joints[at - 1]).mean() for now in (joints[at], joints[at, MIRRORED_JOINTS]))
        return mirrored < as_it_is

    if len(joints) <= end or not (jumps(first) and jumps(end)):
        return poses, f'left and right are known to be interchanged in {where}, but are not in this file'
    arrays = [array.copy() for array in poses]
    for array in arrays:
        array[first:end] = array[first:end][:, MIRRORED_JOINTS]
    return Poses(*arrays), f'left and right, interchanged in {where}, were put right'


def _test_set(folder: Path, key: VideoKey) -> FoundVideo:
    """The video of a test set."""
    expected, path = TEST_SETS[key.subject], folder / 'annot_data.mat'
    poses, valid, numbers = read_test_annotation(path)
    if not valid.any():
        raise SequenceError(f'{path}: valid_frame marks no frame for evaluation: download or unpack it again')
    unknown = valid & ((numbers < 1) | (numbers > len(ACTIVITIES)))
    if unknown.any():
        raise SequenceError(
            f'{path}: expected activities from 1 to {len(ACTIVITIES)}, got {numbers[unknown][0]} in frame '
            f'{unknown.argmax() + 1}'
        )
    evaluated = Poses(*(array[valid] for array in poses))
    if not all(np.isfinite(array).all() for array in evaluated):
        raise SequenceError(f'{path} holds numbers that are not finite in valid frames: download or unpack it again')
    _check(str(path), evaluated, ROOTS[17])
    camera, error = _fit_camera(path, evaluated, expected.width, expected.height)
    notes = [f'camera fitted to its poses, {error:.2f} px (median) off']
    poses, without = _fill(poses, valid, expected.width, expected.height)
    if without:
        notes.append(f'{without} frames without a pose, none of them evaluated, get that of the nearest frame with one')
    if len(valid) != expected.frames or valid.sum() != expected.valid:
        notes.append(
            f'{valid.sum()} of {len(valid)} frames are evaluated, officially {expected.valid} of {expected.frames}'
        )
    found = _found(poses, camera, TEST_RATE, folder / 'imageSequence', ROOTS[17], '; '.join(notes))
    names = np.array(['', *ACTIVITIES])[np.where((numbers < 1) | (numbers > len(ACTIVITIES)), 0, numbers)]
    return found._replace(evaluated=valid, activities=names)


def _fill(poses: Poses, valid: np.ndarray, width: int, height: int) -> tuple[Poses, int]:
    """The poses, those of invalid frames without one replaced by the nearest frame's, and how many were replaced.

    A pose is finite, in front of the camera and at least partly in the image.
    """
    good = np.all([np.isfinite(array).all(axis=(1, 2)) for array in poses], axis=0)
    in_image = ((poses.poses_2d >= 0) & (poses.poses_2d < [width, height])).all(axis=-1).any(axis=-1)
    good = valid | (good & in_image & (np.nan_to_num(poses.poses_3d[..., 2]).min(axis=1) > 0))
    frames, having = np.arange(len(good)), np.flatnonzero(good)
    after = having[np.searchsorted(having, frames).clip(max=len(having) - 1)]
    before = having[(np.searchsorted(having, frames, side='right') - 1).clip(min=0)]
    nearest = np.where(np.abs(after - frames) < np.abs(frames - before), after, before)
    return Poses(*(array[nearest] for array in poses)), int((~good).sum())


def _fit_camera(path: Path, poses: Poses, width: int, height: int) -> tuple[dict, float]:
    """The pinhole camera that projects ``annot3`` onto ``annot2``, and the median of the residual, px.

    The fitted camera is that of the annotation. Cameras are also distributed beside the test set, and its code has
    focal lengths; these differ from the fitted ones by 0.1 %.
    """
    rays = poses.poses_3d[..., :2].astype(float) / poses.poses_3d[..., 2:]
    lens = [
        np.linalg.lstsq(np.stack([ray, np.ones_like(ray)], axis=-1), pixels, rcond=None)[0]
        for ray, pixels in zip(rays.reshape(-1, 2).T, poses.poses_2d.reshape(-1, 2).T.astype(float), strict=True)
    ]
    focal, centre = np.array(lens).T[..., None]
    error = np.median(np.linalg.norm(rays * focal[:, 0] + centre[:, 0] - poses.poses_2d, axis=-1))
    fault = unit_fault(focal, focal_length(width)) if focal.min() > 0 else 'is negative'
    if error > _FIT_LIMIT * width or fault:
        what = (
            f'is projected {error:.1f} px (median) away from annot2'
            if not fault
            else f'has a focal length that {fault}'
        )
        raise SequenceError(f'{path}: annot3, with the camera that fits best, {what}: expected them to agree')
    return dict(f=focal, c=centre, k=np.zeros((3, 1)), p=np.zeros((2, 1)), w=width, h=height), float(error)


def _check(where: str, poses: Poses, root: int) -> None:
    """Check the units, and that poses are in front of the camera; raises a SequenceError."""
    for name, joints in (('annot3', poses.poses_3d), ('univ_annot3', poses.universal)):
        fault = unit_fault(joints - joints[:, [root]], FROM_ROOT)
        fault = fault or (name == 'annot3' and unit_fault(joints[:, root, 2], FROM_CAMERA))
        if fault:
            raise SequenceError(f'{where}: {name}, divided by 1000, {fault}: expected millimetres in the file')
    if (nearest := poses.poses_3d[..., 2].min()) <= 0:
        raise SequenceError(f'{where}: annot3 has joints behind the camera, at z = {nearest:.2f} m')


def _found(poses: Poses, camera: dict, rate: float, source: Path, root: int, note: str) -> FoundVideo:
    poses_2d, poses_3d, universal = poses
    universal = universal - universal[:, [root]] + poses_3d[:, [root]]
    return FoundVideo(poses_2d, poses_3d, universal, camera, rate, source, None, None, None, None, note or None)


def _finish(found: FoundVideo, images: bool, crops: bool) -> FoundVideo:
    """The video with its crops, and with facts from its beginning."""
    if not images:
        return found
    if not found.source.exists():
        hint = 'the images of this test set' if found.source.name == 'imageSequence' else 'imageSequence/*.zip'
        raise SequenceError(f'no {found.source}: unpack {hint}, or leave images out with --no-images')
    root = ROOTS[found.poses_2d.shape[1]]
    windows = make_crops(found.poses_2d, found.poses_3d, found.camera, root) if crops else None
    return found._replace(crops=windows, video=sample_video(found.source, found.camera, windows))
