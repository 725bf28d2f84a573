"""Depth sequence stores from predictions of any estimator."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from depth_refine.datasets import H36MAnnotation, write_sequence_store
from depth_refine.datasets.pose_annotation import Sequence
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

from .annotation_checks import check_depth, check_keypoints, compare
from .depths import METRES, lifted_depth, relative_depth
from .joint_orders import to_h36m
from .prediction_files import Frames, read_keypoints, read_lifted

_LONGER = 1.2  # times the annotation's last frame; a video may be somewhat longer
_LISTED = 5  # videos or frames in a message


class Origin(NamedTuple):
    """The source of predictions, and the meaning of their numbers.

    Example:
        >>> from pathlib import Path
        >>> from depth_refine.data_tools.conversion import Origin
        >>> origin = Origin('HRNet', Path('hrnet/h36m'), joint_order='coco', first_frame=0)  # 2D alone
        >>> origin.lifted, origin.depth_unit
        (None, None)
    """

    estimator: str  # its name, recorded in the store
    keypoints: Path  # folder of the files, see :mod:`depth_refine.data_tools.conversion.prediction_files`
    joint_order: str  # a key of ``NUM_JOINTS`` there
    first_frame: int  # number that the files give to the first frame of a video; the annotation's is 1
    lifted: Path | None = None  # folder of MMPose's 3D json files, for depths that are not in ``keypoints``
    depth_unit: str | None = None  # a key of ``METRES``; None if there are no depths


class Imported(NamedTuple):
    """Facts on a store that was made."""

    filled: float  # share of the joints that were interpolated
    notes: list[str]  # sentences on what may be wrong


def import_predictions(annotation: H36MAnnotation, origin: Origin, out: str | Path) -> Imported:
    """Write the depth sequence store ``out`` of an annotation, from predictions of every frame.

    If a frame has several persons, the one nearest to the centre of the annotation's box is used. A joint with score 0
    was not found, nor one with NaN in a file without scores: its place and depth are interpolated over time within the
    video, and its score stays 0. Depths become relative to the root.

    Raises:
        InputError: a folder or files are missing, damaged or in another format; frames are missing; the joints are not
            in the order stated; a joint is found in no frame of a video; numbers are not finite where a joint was
            found, or not plausible in their units; there are depths without a unit or a unit without depths; the
            annotation's 2D poses show exchanged sides, shifted frames, mirrored or scaled images, or another video; or
            ``out`` exists.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from depth_refine.data_tools.conversion import Origin, import_predictions
        >>> from depth_refine.datasets import H36MAnnotation
        >>> from depth_refine.synthetic import make_synthetic
        >>> few = dict(frames=1, image_size=32, workers=1, subjects=['S1', 'S9'], activities=['Walking'])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data = make_synthetic(f'{folder}/data', **few) / 'annotation_body3d'
        ...     annotation = H36MAnnotation(data / 'fps50/h36m_train.npz', data / 'cameras.pkl')
        ...     for video in annotation.sequences:  # as an estimator would write them
        ...         np.savez(Path(folder, video.name), frames=[1], keypoints=annotation.keypoints[video.rows])
        ...     import_predictions(annotation, Origin('mine', Path(folder), 'h36m', first_frame=1), f'{folder}/store')
        Imported(filled=0.0, notes=[])
    """
    has_depth = origin.depth_unit is not None
    if origin.lifted is not None and not has_depth:
        raise InputError(f'{origin.lifted} gives depths: give --depth-unit, one of {", ".join(METRES)}')
    for option, folder in (('--keypoints', origin.keypoints), ('--lifted', origin.lifted)):
        if folder is not None and not folder.is_dir():
            raise InputError(f'no folder {folder.absolute()}: give that of the predictions of all videos ({option})')
    camera, checkpoint = annotation.cameras[0], dict(file=origin.estimator, sha256='not known')
    meta = dict(config=origin.estimator, checkpoint=checkpoint, flip_test=None, joint_order=origin.joint_order)
    meta |= dict(image_size=[int(camera['w']), int(camera['h'])], depth_unit_of_files=origin.depth_unit)
    missing, longer, num_filled = {}, [], 0
    keypoints = np.full((len(annotation), 17, 3), np.nan, np.float32)
    with write_sequence_store(out, annotation, 'published', meta, has_depth) as writer:
        for video, sequence in enumerate(tqdm(annotation.sequences, unit='video')):
            try:
                poses, last = _read_video(annotation, sequence, origin)
            except _MissingFrames as error:
                missing[sequence.name] = str(error)
                continue
            if last > _LONGER * (end := int(annotation.frames[sequence.rows[-1]])):
                longer.append(f'{sequence.name} to frame {last} of {end}')
            num_filled += _fill(sequence.name, poses, annotation.frames[sequence.rows])
            keypoints[sequence.rows, :, :2] = poses[..., :2]
            if has_depth:
                keypoints[sequence.rows, :, 2] = relative_depth(poses[..., 2], origin.depth_unit)
            check_keypoints(annotation, keypoints[..., :2], video)
            writer.write(sequence.rows, keypoints[sequence.rows], poses[..., -1].clip(0, 1))
        if missing:
            listed = '; '.join(f'{name}: {frames}' for name, frames in list(missing.items())[:_LISTED])
            more = f'; and {len(missing) - _LISTED} more videos' if len(missing) > _LISTED else ''
            example = next(iter(missing))
            raise InputError(
                f'{len(missing)} of {len(annotation.sequences)} videos lack predictions of frames of '
                f'{annotation.path.name}, counted from 1 as there: {listed}{more}. Expected every frame, in files such '
                f'as {example}.npz, {example}.json or {example}_000001.json; is --first-frame '
                f'{origin.first_frame} right, and their frame rate that of the annotation?'
            )
        notes = compare(annotation, keypoints[..., :2])
        if longer:
            more = f' and {len(longer) - _LISTED} more' if len(longer) > _LISTED else ''
            listed = ', '.join(longer[:_LISTED])
            notes.append(
                f'predictions go on beyond the last frame of the annotation, {listed}{more}: do frame rates differ?'
            )
        if has_depth:
            check_depth(keypoints[..., 2], origin.depth_unit, annotation)
    return Imported(num_filled / keypoints[..., 0].size, notes)


class _MissingFrames(Exception):
    """Names the missing frames of a video."""


def _read_video(annotation: H36MAnnotation, sequence: Sequence, origin: Origin) -> tuple[np.ndarray, int]:
    """Predictions of a video, and the last predicted frame, counted from 1.

    They are (T, 17, C) of u px, v px, perhaps depth in the files' unit, and score. Joints that were not found are NaN.
    """
    frames, centers = annotation.frames[sequence.rows], annotation.center[sequence.rows]
    files = read_keypoints(origin.keypoints, sequence.name)
    persons = _in_order(files, frames, origin.first_frame)
    joints = _stack(sequence.name, [_nearest(each, center) for each, center in zip(persons, centers, strict=True)])
    joints[~(joints[..., -1] > 0)] = np.nan
    poses = to_h36m(joints, origin.joint_order)
    has_depth = poses.shape[-1] == 4
    if has_depth != (origin.depth_unit is not None and origin.lifted is None):
        raise InputError(
            f'{origin.keypoints} has {"" if has_depth else "no "}depths of {sequence.name}: give --depth-unit if '
            'there are depths and only then, and --lifted only if there are none'
        )
    if origin.lifted is not None:
        poses = np.insert(poses, 2, _read_lifted_depth(sequence.name, frames, origin), axis=-1)
    return poses, max(files) - origin.first_frame + 1


def _in_order(files: Frames, frames: np.ndarray, first_frame: int) -> list[np.ndarray]:
    """The persons of each frame of a video; raises if a frame has none."""
    if not files:
        raise _MissingFrames('no files')
    persons = [files.get(frame + first_frame - 1, ()) for frame in frames.tolist()]
    missing = [str(frame) for frame, each in zip(frames, persons, strict=True) if not len(each)]
    if missing:
        more = f' and {len(missing) - _LISTED} more' if len(missing) > _LISTED else ''
        there = f'{len(persons) - len(missing)} of {len(persons)} frames are there'
        raise _MissingFrames(f'no frame {", ".join(missing[:_LISTED])}{more} ({there})')
    return persons


def _stack(name: str, persons: list[np.ndarray]) -> np.ndarray:
    """The persons (K, C) of T frames as one array (T, K, C)."""
    if len(counts := {len(person) for person in persons}) > 1:
        raise InputError(f'{name}: expected as many joints in every frame, got {sorted(counts)}')
    return np.stack(persons)


def _nearest(persons: np.ndarray, center: np.ndarray) -> np.ndarray:
    """The one of persons (P, K, C) whose mean of found joints is nearest to a point (2,), as (K, C)."""
    weights = (persons[..., -1:] > 0) + 1e-9
    places = np.nan_to_num(persons[..., :2], posinf=0, neginf=0)  # of joints that were not found
    middles = np.sum(places * weights, axis=1) / np.sum(weights, axis=1)
    return persons[np.argmin(np.linalg.norm(middles - center, axis=-1))]


def _read_lifted_depth(name: str, frames: np.ndarray, origin: Origin) -> np.ndarray:
    """Depths (T, 17) from MMPose's 3D files, in their unit."""
    persons = _in_order(read_lifted(origin.lifted, name), frames, origin.first_frame)
    if crowded := [frame for frame, each in zip(frames, persons, strict=True) if len(each) > 1]:
        raise InputError(
            f'{origin.lifted}: {name} has several persons in frame {crowded[0]}. The 3D files do not say where in the '
            'image they are; keep one person in each frame.'
        )
    return lifted_depth(f'{origin.lifted}, {name}', _stack(name, [each[0] for each in persons]))


def _fill(name: str, poses: np.ndarray, frames: np.ndarray) -> int:
    """Fill joints (T, 17, C) that are NaN by interpolation over time, in place; the result is their number.

    Their scores become 0.
    """
    lost = np.isnan(poses).any(axis=-1)
    if lost.all(axis=0).any():
        joint = H36M.joint_names[int(np.argmax(lost.all(axis=0)))]
        raise InputError(
            f'{name}: the joint {joint!r}, or one it is made of, is not found in any of {len(frames)} frames'
        )
    for joint in np.flatnonzero(lost.any(axis=0)):
        gap = lost[:, joint]
        for column in range(poses.shape[-1] - 1):
            poses[gap, joint, column] = np.interp(frames[gap], frames[~gap], poses[~gap, joint, column])
    poses[lost, -1] = 0
    return int(lost.sum())
