"""Reading of motion files, which hold joints in world coordinates: docs/motion_files.md."""

import functools
import re
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.errors import InputError

from .npz_stream import load_arrays
from .pose_annotation import Sequence

HOW_TO_MAKE = 'none is distributed; docs/motion_files.md has the format, and a script that makes one of your mocap'
_REQUIRED = ('positions', 'clip', 'fps', 'subject')
_SIZE = (0.3, 4.0)  # metres, diagonal of the box around a body, median of its poses
_LYING = 1.2  # how much longer than high the box may be, on average of all poses
_FLOOR = (-0.5, 1.0)  # metres, the lowest joint of a clip
_OTHER_UNITS = dict(millimetres=1000, centimetres=100, inches=39.37, feet=3.281)
_USUAL_SIZE = 1.8  # metres, of that box
_STEP = 0.04  # seconds; over shorter steps, noise of a millimetre would look like acceleration
_ACCELERATION = 50.0  # m/s², median over joints and frames; of 87 clips of motion capture it is 0.4 to 15
_FPS = (1, 1000)  # of any device that records motion


class MotionClips:
    """The clips of a motion file at one frame rate, in the form in which :class:`PoseAnnotation` has videos.

    N frames, K joints.

    Args:
        path: npz with ``positions`` (N, K, 3) world metres, z up and the floor near z = 0, ``clip`` (N,) the index of
            each frame's clip, ``fps`` () and ``subject`` (clips,); optionally ``names`` or ``description`` (clips,).
        skeleton: of the K joints, in the file's order.
        frame_rate: frames a second to which clips are resampled, by a cubic spline.
        subjects: the subjects to read; all if None.
        views: how often each clip is listed in ``sequences``, once for each camera that is to see it.

    Attributes:
        path: the file.
        frame_rate: frames a second.
        keypoints_3d: (N, K, 3) float32 world metres, at that rate.
        keypoints_3d_visible: (N, K), all true.
        frames: (N,) number of each frame in its clip, from 0.
        sequences: each clip ``views`` times; names are those of the file, then the number of the view.
        actions, cameras: empty, since a motion file has neither.

    Raises:
        InputError: the file is missing or not an npz file, a key is missing, an array has a wrong shape, unit or value,
            or the file has no such ``subjects``.
    """

    actions = None
    cameras: tuple = ()

    def __init__(
        self, path: Path, skeleton: Skeleton, frame_rate: float, subjects: list[str] | None = None, views: int = 1
    ) -> None:
        self.path, self.skeleton, self.frame_rate = Path(path), skeleton, frame_rate
        if not self.path.is_file():
            raise InputError(f'no motion file {self.path.absolute()}: {HOW_TO_MAKE}')
        try:
            data = load_arrays(self.path)
        except Exception as error:  # whatever zipfile, zlib and numpy raise on damaged bytes
            raise InputError(f'{self.path} cannot be read as an npz file of plain arrays: {error}') from error
        if problem := problem_of_motion_file(data, skeleton):
            raise InputError(f'{self.path}: {problem}')
        owners = [str(subject) for subject in data['subject'].tolist()]
        if missing := set(subjects or ()) - set(owners):
            raise InputError(f'{self.path} has no subject {min(missing)!r}: expected some of {sorted(set(owners))}')
        chosen = [index for index, owner in enumerate(owners) if subjects is None or owner in subjects]
        clips = [self._read_clip(data, index) for index in chosen]
        extent = np.concatenate([np.ptp(clip, axis=1) for clip in clips]).mean(axis=0)
        if extent.max() > _LYING * extent[2]:
            raise InputError(
                f"{self.path}: 'positions' must have z up, but bodies are {np.round(extent, 2).tolist()} m along x, y "
                'and z on average: turn the axes'
            )
        self.keypoints_3d = np.concatenate(clips)
        self.keypoints_3d_visible = np.broadcast_to(np.array(True), self.keypoints_3d.shape[:2])
        self.frames = np.concatenate([np.arange(len(clip)) for clip in clips])
        self.sequences = list(_sequences(data, chosen, owners, [len(clip) for clip in clips], views))

    def __len__(self) -> int:
        return len(self.keypoints_3d)

    @functools.cached_property
    def img_names(self) -> np.ndarray:
        """(N,) empty bytes, since there are no images."""
        return np.broadcast_to(np.array(b''), (len(self),))

    def _read_clip(self, data: dict, index: int) -> np.ndarray:
        """(n, K, 3) float32 of one clip at the frame rate."""
        joints = data['positions'][data['clip'] == index].astype(np.float64)
        if problem := _problem_of_clip(joints):
            raise InputError(f"{self.path}, clip {index} of 'positions': {problem}")
        fps = float(data['fps'])
        if fps != self.frame_rate:
            count = int(np.floor((len(joints) - 1) / fps * self.frame_rate + 1e-6)) + 1
            joints = CubicSpline(np.arange(len(joints)) / fps, joints)(np.arange(count) / self.frame_rate)
        return joints.astype(np.float32)


def _sequences(data: dict, chosen: list[int], owners: list[str], lengths: list[int], views: int):
    names = data.get('names', data.get('description'))
    ends = np.cumsum(lengths)
    for index, length, end in zip(chosen, lengths, ends, strict=True):
        name = f'{index}' if names is None else f'{index}_{names[index]}'
        for view in range(views):
            yield Sequence(f'{name}.{view}', owners[index], '', str(view), np.arange(end - length, end))


def problem_of_motion_file(data: dict, skeleton: Skeleton) -> str | None:
    """What is wrong with keys, shapes and types of a motion file's arrays; None if nothing is."""
    if missing := [key for key in _REQUIRED if key not in data]:
        return f'the keys {missing} are missing: expected {list(_REQUIRED)}, got {sorted(data)}'
    positions, clip, fps, subject = (data[key] for key in _REQUIRED)
    joints = skeleton.num_joints
    if positions.ndim != 3 or positions.shape[1:] != (joints, 3) or positions.dtype.kind != 'f':
        expected = f'(N, {joints}, 3) floats, metres of the joints {list(skeleton.joint_names)}'
        return f"'positions' must be {expected}, got {positions.dtype} {positions.shape}"
    if clip.shape != positions.shape[:1] or clip.dtype.kind not in 'iu':
        return f"'clip' must be {positions.shape[:1]}, an index for each frame, got {clip.dtype} {clip.shape}"
    for key in ('subject', 'names', 'description'):
        if key in data and (data[key].shape != subject.shape or data[key].ndim != 1):
            return f"{key!r} must be (clips,), got {data[key].shape} ('subject': {subject.shape})"
    indices = set(clip.tolist())
    if not indices or indices != set(range(len(subject))):
        expected = f"the values 0 to {len(subject) - 1}, one for each of 'subject'"
        return f"'clip' must have {expected}, got {sorted(indices)}"
    low, high = _FPS
    if fps.shape != () or fps.dtype.kind not in 'fiu' or not low <= fps <= high:
        return f"'fps' must be one number from {low} to {high}, got {fps}"
    broken = np.flatnonzero(~np.isfinite(positions).all(axis=(1, 2)))
    if len(broken):
        return f"'positions' has NaN or infinity in {len(broken)} frames, first in frame {broken[0]}"
    return _problem_of_names(np.ravel(data.get('joint_names', [])).tolist(), skeleton) or _problem_of_rate(
        positions, clip, float(fps)
    )


def _problem_of_names(names: list, skeleton: Skeleton) -> str | None:
    """Names in another order, or of another skeleton: case, spaces and underscores do not count."""
    given, own = ([re.sub(r'[\W_]', '', str(name)).lower() for name in each] for each in (names, skeleton.joint_names))
    if not names or given == own:
        return None
    expected = f"the skeleton's, {list(skeleton.joint_names)}, got {names}"
    if any(name in own and own.index(name) != place for place, name in enumerate(given)):
        return f"'joint_names' are in another order than {expected}"
    if len(given) != len(own) or sum(map(str.__eq__, given, own)) < len(own) / 2:
        return (
            f"'joint_names' are of another skeleton than {expected}. If these are other names of the same joints, "
            'leave the key out'
        )
    return None


def _problem_of_rate(positions: np.ndarray, clip: np.ndarray, fps: float) -> str | None:
    """Accelerations that no body has: ten times the frame rate gives a hundred times the acceleration."""
    step = max(1, round(_STEP * fps))
    within = (clip[: -2 * step] == clip[step:-step]) & (clip[step:-step] == clip[2 * step :])
    change = positions[: -2 * step] - 2 * positions[step:-step] + positions[2 * step :]
    if not within.any():
        return None
    acceleration = float(np.median(np.linalg.norm(change[within], axis=-1))) * (fps / step) ** 2
    if acceleration / np.median(np.linalg.norm(np.ptp(positions, axis=1), axis=-1)) * _USUAL_SIZE <= _ACCELERATION:
        return None
    return (
        f"'fps' is {fps:g}, at which joints accelerate by {acceleration:.0f} m/s² in the median: expected less than "
        f'{_ACCELERATION:.0f}. Is it the frame rate of these positions?'
    )


def _problem_of_clip(joints: np.ndarray) -> str | None:
    """Signs that a clip has other units or axes; None if there are none."""
    if len(joints) < 2:
        return f'expected two frames or more, got {len(joints)}'
    size, (low, high) = np.median(np.linalg.norm(np.ptp(joints, axis=1), axis=-1)), _SIZE
    if not low < size < high:
        units = sorted(_OTHER_UNITS.items(), key=lambda unit: abs(np.log(size / unit[1] / _USUAL_SIZE)) if size else 0)
        hints = [f'{unit}? divide by {n:g}' for unit, n in units if low < size / n < high]
        hint = f' ({"; ".join(hints)})' if hints else ''
        return f'expected metres, a body of {low} to {high} m, got {size:.4g}{hint}'
    lowest, (low, high) = joints[..., 2].min(), _FLOOR
    if not low < lowest < high:
        expected = f'z up and the floor near z = 0, a lowest joint at {low} to {high} m'
        return f'expected {expected}, got {lowest:.2f} m: turn the axes, or shift the clip along z'
    return None
