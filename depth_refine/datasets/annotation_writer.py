"""Writing of annotation files in the format of :mod:`depth_refine.datasets.pose_annotation`."""

import zipfile
from collections.abc import Callable, Sequence
from numbers import Real
from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_names import image_name, parse_image_name
from depth_refine.utils.units import FROM_CAMERA, FROM_ROOT, PIXELS, require_unit

from .frame_rate import require_frame_rate

_BOX_MARGIN = 1.2  # of the larger side of the tight box around the 2D joints
_COLUMNS = ('sequence', 'subject', 'action', 'camera', 'frame')


class AnnotatedSequence(NamedTuple):
    """The annotated frames of one video, T of them, with K joints.

    Without a ``subject``, ``name`` has Human3.6M's form, which tells subject, action and camera. With one, these three
    are stored in columns of their own, and ``name`` is free.

    Example:
        >>> import numpy as np
        >>> from depth_refine.datasets import AnnotatedSequence
        >>> pixels, metres = np.full((25, 17, 2), 500.0), np.full((25, 17, 3), [0, 0, 4.0])  # T, K
        >>> walk = AnnotatedSequence('walk', np.arange(1, 26), pixels, metres, subject='S1', camera='left')
        >>> walk.frames[0].item(), walk.camera
        (1, 'left')
    """

    name: str  # S1_Directions_1.54138969
    frames: np.ndarray  # (T,) frame numbers, from 1
    keypoints: np.ndarray  # (T, K, 2) px, lens distortion included
    keypoints_3d: np.ndarray  # (T, K, 3) absolute camera-frame metres
    crops: np.ndarray | None = None  # (T, 4) x1 y1 x2 y2: the part of the frame that an image file shows, px
    subject: str | None = None
    action: str | Sequence[str] = ''  # of the video, or of each frame
    camera: str = ''
    # (T,) below the image folder; by default NAME/NAME_000001.jpg, with a camera NAME.CAMERA/NAME.CAMERA_000001.jpg
    image_names: Sequence[str] | None = None
    keypoints_visible: np.ndarray | None = None  # (T, K) bool, of 2D and 3D; all by default
    evaluated: np.ndarray | None = None  # (T,) bool, the frames whose 3D joints count as true; all by default


def write_annotation(path: str | Path, sequences: Sequence[AnnotatedSequence], frame_rate: float) -> None:
    """Write an annotation npz, one row for each frame of each sequence, float64.

    The box is the tight one around the visible 2D joints: ``center`` is its middle and ``scale`` 1.2 times its larger
    side, over 200. Arrays are converted one sequence at a time, so that the file may be larger than the free memory.
    The same input gives the same bytes.

    Args:
        path: the npz file; appears when it is complete.
        sequences: at least one, all of one number of joints; all of them with ``crops``, or none; all of them with
            ``subject``, or none.
        frame_rate: frames a second, of consecutive frames.

    Raises:
        InputError: there are no sequences, or they differ in what they must share; arrays of a sequence differ in
            length or have a wrong type; a frame has no visible joint, or visible 2D joints at one place alone; a
            visible joint is not finite, or not in pixels and camera-frame metres; a name without ``subject`` does not
            have Human3.6M's form; or ``frame_rate`` is not 0.1 to 1000, or not that of the folder's name.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from depth_refine.datasets import AnnotatedSequence, write_annotation
        >>> metres = np.random.default_rng(0).normal([0, 0, 4], 0.3, (25, 17, 3))  # T, K
        >>> pixels = 1000 * metres[..., :2] / metres[..., 2:] + 500
        >>> walk = AnnotatedSequence('walk', np.arange(1, 26), pixels, metres, subject='S1', camera='left')
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_annotation(f'{folder}/train.npz', [walk], frame_rate=25)
        ...     np.load(f'{folder}/train.npz')['imgname'][0].item()
        'walk.left/walk.left_000001.jpg'
    """
    _check(path, sequences, frame_rate)
    count, joints = sum(len(sequence.frames) for sequence in sequences), np.shape(sequences[0].keypoints)[1]
    columns: dict[str, tuple[tuple, Callable]] = {
        'imgname': ((), _image_names),
        'center': ((2,), lambda sequence: _box(sequence)[0]),
        'scale': ((), lambda sequence: _box(sequence)[1]),
        'frame_rate': ((), lambda sequence: np.full(len(sequence.frames), frame_rate)),
        'part': ((joints, 3), lambda sequence: _with_visibility(sequence.keypoints, sequence)),
        'S': ((joints, 4), _with_truth),
    }
    if sequences[0].crops is not None:
        columns['crop'] = ((4,), lambda sequence: sequence.crops)
    if sequences[0].subject is not None:
        columns |= {name: ((), lambda sequence, name=name: _column(sequence, name)) for name in _COLUMNS}
    with whole_file(path) as partial, zipfile.ZipFile(partial, 'w') as archive:
        for key, (shape, rows_of) in columns.items():
            dtype = {'frame': '<i8'}.get(key, '<f8')
            if key == 'imgname' or (key in _COLUMNS and key != 'frame'):
                dtype = f'<U{max(1, *(np.char.str_len(rows_of(sequence)).max() for sequence in sequences))}'
            with archive.open(f'{key}.npy', 'w', force_zip64=True) as file:
                header = dict(descr=dtype, fortran_order=False, shape=(count, *shape))
                np.lib.format.write_array_header_1_0(file, header)
                for sequence in sequences:
                    file.write(np.ascontiguousarray(rows_of(sequence), dtype).data.cast('B'))


def _check(path: str | Path, sequences: Sequence[AnnotatedSequence], frame_rate: float) -> None:
    if not isinstance(frame_rate, Real) or not frame_rate > 0:
        raise InputError(f'{path}: expected a frame rate above 0 frames a second, got {frame_rate!r}')
    require_frame_rate(Path(path), frame_rate)
    if not sequences:
        raise InputError(f'{path}: there are no sequences to write')
    shared = [(np.shape(s.keypoints)[1:2], s.crops is None, s.subject is None) for s in sequences]
    if len(set(shared)) > 1:
        other = next(i for i, what in enumerate(shared) if what != shared[0])
        raise InputError(
            f'{path}: sequences of one annotation must agree in their number of joints and in having crops and a '
            f'subject: {sequences[0].name} and {sequences[other].name} do not'
        )
    for sequence in sequences:
        _check_sequence(path, sequence, *shared[0][0])


def _check_sequence(path: str | Path, sequence: AnnotatedSequence, joints: int = 0) -> None:
    count = np.size(sequence.frames)
    expected = dict(frames=(count,), keypoints=(count, joints, 2), keypoints_3d=(count, joints, 3), crops=(count, 4))
    expected |= dict(keypoints_visible=(count, joints), image_names=(count,), evaluated=(count,))
    for name, shape in expected.items():
        values = getattr(sequence, name)
        if values is not None and np.shape(values) != shape:
            raise InputError(f'{path}: {name} of {sequence.name}: expected {shape}, got {np.shape(values)}')
    if not count or np.asarray(sequence.frames).dtype.kind not in 'iu':
        raise InputError(f'{path}: frames of {sequence.name}: expected whole numbers, at least one')
    texts = {name: np.asarray(getattr(sequence, name)) for name in ('name', 'action', 'camera', 'subject')}
    for name, values in texts.items():
        if values.dtype.kind != 'U' and not (name == 'subject' and sequence.subject is None):
            raise InputError(f'{path}: {name} of {sequence.name}: expected text, got {values.tolist()!r}')
    if sequence.subject is None:
        try:
            parse_image_name(image_name(sequence.name, 1))
        except ValueError as error:
            raise InputError(
                f"{path}: without a subject, {sequence.name} must be named as Human3.6M's sequences, "
                "S1_Directions_1.54138969: give a subject, '' if there is none"
            ) from error
    if sequence.keypoints_visible is not None:
        _refuse(
            path, sequence, ~np.any(sequence.keypoints_visible, axis=1), 'no visible joint', 'leave such frames out'
        )
    _check_numbers(path, sequence)


def _check_numbers(path: str | Path, sequence: AnnotatedSequence) -> None:
    """Refuse numbers that :class:`.PoseAnnotation` would refuse, whichever joint is the root."""
    keypoints, joints = np.asarray(sequence.keypoints), np.asarray(sequence.keypoints_3d)
    visible = np.ones(keypoints.shape[:2], bool)
    if sequence.keypoints_visible is not None:
        visible = np.asarray(sequence.keypoints_visible, bool)
    finite = np.isfinite(keypoints).all(axis=-1) & np.isfinite(joints).all(axis=-1)
    advice = 'mark what is not known in keypoints_visible'
    _refuse(path, sequence, (visible & ~finite).any(axis=1), 'a visible joint that is not finite', advice)
    require_unit(f'{path}: keypoints of {sequence.name}', keypoints[visible], PIXELS)
    advice = 'a box needs two that differ'
    _refuse(path, sequence, _box(sequence)[1] <= 0, 'all visible 2D joints at one place', advice)
    if sequence.evaluated is not None:
        visible = visible & np.asarray(sequence.evaluated, bool)[:, None]
    rows = visible.any(axis=1)
    if not rows.any():
        return
    low = joints[rows].min(axis=1, where=visible[rows, :, None], initial=np.inf)
    high = joints[rows].max(axis=1, where=visible[rows, :, None], initial=-np.inf)
    require_unit(f'{path}: keypoints_3d of {sequence.name}, from their middle,', (high - low) / 2, FROM_ROOT)
    require_unit(f'{path}: z of keypoints_3d of {sequence.name}', (high + low)[:, 2] / 2, FROM_CAMERA)
    advice = 'give absolute camera-frame metres, not relative to the root, and mark what is not known as not visible'
    _refuse(path, sequence, (visible & ~joints.any(axis=-1)).any(axis=1), 'a 3D joint at 0 0 0', advice)
    behind = np.zeros(len(rows), bool)
    behind[rows] = high[:, 2] <= 0
    advice = 'give camera-frame metres, z forward; are these world coordinates?'
    _refuse(path, sequence, behind, 'all 3D joints behind the camera', advice)


def _refuse(path: str | Path, sequence: AnnotatedSequence, bad: np.ndarray, what: str, advice: str) -> None:
    """Name the first frame that is bad (T,), if there is one."""
    if bad.any():
        frame = sequence.frames[int(np.argmax(bad))]
        raise InputError(f'{path}: {sequence.name} has {what} in frame {frame}: {advice}')


def _image_names(sequence: AnnotatedSequence) -> Sequence[str]:
    if sequence.image_names is not None:
        return sequence.image_names
    if sequence.subject is None:
        return [image_name(sequence.name, frame) for frame in sequence.frames]
    name, camera = sequence.name, sequence.camera  # each camera has images of its own
    name = f'{name}.{camera}' if camera and not name.endswith(f'.{camera}') else name
    return [f'{name}/{name}_{frame:06d}.jpg' for frame in sequence.frames]


def _column(sequence: AnnotatedSequence, name: str) -> np.ndarray:
    """(T,) values of a column."""
    values = dict(sequence=sequence.name, frame=sequence.frames)
    return np.broadcast_to(values.get(name, getattr(sequence, name, None)), len(sequence.frames))


def _box(sequence: AnnotatedSequence) -> tuple[np.ndarray, np.ndarray]:
    """Centre (T, 2) and scale (T,)."""
    keypoints = np.asarray(sequence.keypoints, np.float64)
    visible = True if sequence.keypoints_visible is None else np.asarray(sequence.keypoints_visible, bool)[..., None]
    low = keypoints.min(axis=1, where=visible, initial=np.inf)
    high = keypoints.max(axis=1, where=visible, initial=-np.inf)
    return (low + high) / 2, _BOX_MARGIN * (high - low).max(axis=-1) / 200


def _with_visibility(joints: np.ndarray, sequence: AnnotatedSequence) -> np.ndarray:
    """Append a column, 1 where a joint is visible; the coordinates of others become 0."""
    if sequence.keypoints_visible is None:
        return np.concatenate([joints, np.ones((*np.shape(joints)[:2], 1))], axis=-1)
    visible = np.asarray(sequence.keypoints_visible, bool)[..., None]
    return np.concatenate([np.where(visible, joints, 0), visible], axis=-1)


def _with_truth(sequence: AnnotatedSequence) -> np.ndarray:
    """3D joints and visibility (T, K, 4); joints of frames that are not evaluated are kept, marked as not visible."""
    joints = _with_visibility(sequence.keypoints_3d, sequence)
    if sequence.evaluated is not None:
        joints[~np.asarray(sequence.evaluated, bool), :, 3] = 0
    return joints
