"""The predictions of one video as arrays, given or read by :mod:`prediction_files`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from depth_refine.utils.errors import InputError
from depth_refine.utils.units import PIXELS, require_unit

from .depths import METRES, lifted_depth
from .detections import are_people, are_sure
from .field_names import is_nobodys
from .joint_orders import check_order, to_h36m
from .prediction_files import Person, read_people

_WHOLE = 'frames', 'track_ids'
_LOWEST = -1.0  # score; some estimators write -1, or a little less than 0, where they find nothing


@dataclass
class Predictions:
    """An estimator's predictions of a video: D persons in all frames together, K joints.

    A joint with a score of 0, or with a NaN, was not found.

    Attributes:
        keypoints: (D, K, 2) px of the upright frame.
        frames: (D,) frame numbers, in any order; stored in ascending order.
        joint_order: a key of ``NUM_JOINTS``.
        scores: (D, K) confidences, 0 to 1; by default 1.
        depth: (D, K) along the camera's axis, larger when farther away, from any origin such as the camera or the hips.
        world_landmarks: (D, K, 3) instead of ``depth``: MediaPipe's, with axes along the line of sight to the person,
            see :func:`depth_of_landmarks`. For other 3D poses give the camera's z as ``depth``.
        depth_unit: of the depths or landmarks, a key of ``METRES``.
        track_ids: (D,) track ids from 0, if they are known.
        first_frame: number in ``frames`` of the video's first frame.
        name: used in messages.
        notes: sentences on contents of a file that are not read.

    Raises:
        InputError: the arrays do not fit together, coordinates are not in pixels, no joint was found, two people in a
            frame have the same track id, or there are depths without a unit or a unit without depths.

    Example:
        >>> import numpy as np
        >>> from depth_refine.data_tools.conversion.video_predictions import Predictions
        >>> keypoints = np.random.default_rng(0).uniform(100, 500, (30, 17, 2))
        >>> predictions = Predictions(keypoints, frames=np.arange(30), joint_order='coco')
        >>> predictions.found.shape, bool(predictions.found.all())
        ((30, 17), True)
    """

    keypoints: np.ndarray
    frames: np.ndarray
    joint_order: str
    scores: np.ndarray | None = None
    depth: np.ndarray | None = None
    world_landmarks: np.ndarray | None = None
    depth_unit: str | None = None
    track_ids: np.ndarray | None = None
    first_frame: int = 0
    name: str = 'predictions'
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.scores is None:
            self.scores = np.ones(np.shape(self.keypoints)[:2])
        self._check_arrays()
        check_order(self.joint_order, self.keypoints.shape[1], self.name)
        has_depth = self.depth is not None or self.world_landmarks is not None
        if not has_depth and self.depth_unit is not None:
            raise InputError(
                f'{self.name}: there are no depths, but a unit of depths is given (--depth-unit): leave it out'
            )
        if has_depth and self.depth_unit not in METRES:
            given = 'no unit' if self.depth_unit is None else f'the unit {self.depth_unit!r}'
            raise InputError(
                f'{self.name}: there are depths, and {given}: expected --depth-unit, one of {", ".join(METRES)}'
            )
        found = self.found
        if not found.any():
            raise InputError(f'{self.name}: not one joint has a score above 0 and coordinates')
        require_unit(f'{self.name}: a joint', self.keypoints[found], PIXELS)
        if (lowest := np.nanmin(self.scores)) < _LOWEST:
            raise InputError(
                f'{self.name}: scores reach {lowest:.3g}, expected 0 to 1, and 0 or NaN where no joint was found. Are '
                'they logits? Give 1 / (1 + exp(-score)).'
            )
        if self.track_ids is not None:
            who = np.stack([self.frames, self.track_ids])[:, found.any(axis=1)]
            pairs, counts = np.unique(who, axis=1, return_counts=True)
            if (counts > 1).any():
                frame, person = pairs[:, np.argmax(counts)]
                raise InputError(
                    f'{self.name}: {counts.max()} people in frame {frame} have the track id {person}: expected one. '
                    'Keep one of them, or leave all ids out, and people are told apart by where they are.'
                )

    @property
    def found(self) -> np.ndarray:
        """Whether each joint was found, booleans (D, K)."""
        found = (self.scores > 0) & ~np.isnan(self.keypoints).any(axis=-1)
        if self.depth is not None:
            return found & ~np.isnan(self.depth)
        return found if self.world_landmarks is None else found & ~np.isnan(self.world_landmarks).any(axis=-1)

    def _check_arrays(self) -> None:
        """Convert fields to arrays in the order of frames, after a check that they fit together."""
        shape = np.shape(self.keypoints)[:2]
        shapes = dict(keypoints=(*shape, 2), frames=shape[:1], scores=shape, depth=shape)
        shapes |= dict(world_landmarks=(*shape, 3), track_ids=shape[:1])
        arrays = {name: np.asarray(getattr(self, name)) for name in shapes if getattr(self, name) is not None}
        for name, values in arrays.items():
            is_whole = name in _WHOLE
            is_kind = values.dtype.kind in ('iu' if is_whole else 'fiu') and (not is_whole or (values >= 0).all())
            if values.shape != shapes[name] or len(shape) < 2 or not is_kind:
                raise InputError(
                    f'{self.name}: expected {"whole numbers from 0" if is_whole else "numbers"} of shape '
                    f'{shapes[name]} as {name}, got {values.dtype} {values.shape}; keypoints are (persons in all '
                    'frames together, joints, 2)'
                )
            if np.isinf(values).any():
                raise InputError(
                    f'{self.name}: {name} has infinite numbers. Expected finite ones, or NaN where no joint was found.'
                )
        if {'depth', 'world_landmarks'} <= arrays.keys():
            raise InputError(f'{self.name}: got depth and world_landmarks, expected one of them')
        order = np.argsort(arrays['frames'], kind='stable')
        for name, values in arrays.items():
            setattr(self, name, values[order].astype(int if name in _WHOLE else float))


def read_predictions(
    files: Sequence[str | Path], joint_order: str, first_frame: int = 0, depth_unit: str | None = None
) -> Predictions:
    """The predictions of a video, read from files.

    Args:
        files: an npz or json file, or a folder of json files, see :mod:`prediction_files`. A second file may have the
            depths: that of MMPose's ``Pose3DInferencer``, lifting demos or RTMPose3D's demo, for a video of one person.
        joint_order: of the first file, a key of ``NUM_JOINTS``.
        first_frame: the files' number of the video's first frame.
        depth_unit: of the depths, if there are any, a key of ``METRES``.

    Returns:
        The predictions; with two files, of Human3.6M's joints. People of whom no joint was found are left out.

    Raises:
        InputError: a file is missing, damaged or in another format; it has no people; the joints are not in the order
            stated; some people have track ids and others have none; the 3D file belongs to other 2D poses; see also
            :class:`Predictions`.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from depth_refine.data_tools.conversion import read_predictions
        >>> keypoints = np.random.default_rng(0).uniform(100, 500, (30, 17, 2))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f'{folder}/clip.npz', frames=np.arange(1, 31), keypoints=keypoints)
        ...     predictions = read_predictions([f'{folder}/clip.npz'], joint_order='coco', first_frame=1)
        >>> predictions.keypoints.shape, predictions.depth is None
        ((30, 17, 2), True)
    """
    if len(files) not in (1, 2):
        raise InputError(f'expected one file of predictions, or a second one with their 3D poses, got {len(files)}')
    path = Path(files[0])
    people, unread = read_people(path)
    notes = [f'Not read of {path.name}: {", ".join(map(repr, unread))}.'] if unread else []
    frames, joints, ids = _flat(path, _kept(path, people, notes))
    if ids is not None and is_nobodys(ids.tolist(), frames.tolist()):
        notes.append('Every prediction has another track id, so ids do not number people: people are tracked instead.')
        ids = None
    check_order(joint_order, joints.shape[1], str(path))
    third = joints[..., 2:-1]
    depth = third[..., 0] if third.shape[-1] == 1 else None
    if len(files) == 2:
        if third.shape[-1]:
            raise InputError(f'{path} has depths, and so has {files[1]}: give one of the two')
        joints[~(joints[..., -1] > 0)] = np.nan
        joints, joint_order, depth = to_h36m(joints, joint_order), 'h36m', _lifted(path, frames, Path(files[1]))
    return Predictions(
        keypoints=joints[..., :2],
        frames=frames,
        joint_order=joint_order,
        scores=joints[..., -1],
        depth=depth,
        world_landmarks=third if third.shape[-1] == 3 else None,
        depth_unit=depth_unit,
        track_ids=ids,
        first_frame=first_frame,
        name=str(path),
        notes=notes,
    )


def _kept(path: Path, people: dict[int, list[Person]], notes: list[str]) -> dict[int, list[Person]]:
    """The predictions of class person with a score that is high enough."""
    everybody = [(number, person) for number, persons in people.items() for person in persons]
    try:
        kept = are_people('category_id', [person.category for _, person in everybody], notes, 'Predictions')
    except InputError as error:
        raise InputError(f'{path}: {error}') from error
    scores = np.array([person.score for _, person in everybody])[kept]
    kept[kept] = are_sure('score', scores, notes, 'Predictions of people')
    found: dict[int, list[Person]] = {number: [] for number in people}
    for (number, person), is_kept in zip(everybody, kept.tolist(), strict=True):
        if is_kept:
            found[number].append(person)
    return found


def _flat(path: Path, people: dict[int, list[Person]]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Frame numbers (D,), joints (D, K, C) and track ids (D,) or None, of people of whom a joint was found."""
    found = [
        (number, person) for number, persons in people.items() for person in persons if (person.joints[:, -1] > 0).any()
    ]
    if not found:
        raise InputError(f'{path} has no predictions, or none with a score above 0 and coordinates')
    counts = sorted({len(person.joints) for _, person in found})
    if len(counts) > 1:
        raise InputError(f'{path}: expected as many joints in every frame, got {counts}')
    without = [number for number, person in found if person.track_id is None]
    if 0 < len(without) < len(found):
        raise InputError(
            f'{path}: a person in frame {without[0]} has no track id, and others have one. Expected one of everybody, '
            'or none, and people are told apart by where they are.'
        )
    ids = None if without else np.array([person.track_id for _, person in found])
    return np.array([number for number, _ in found]), np.stack([person.joints for _, person in found]), ids


def _lifted(path: Path, frames: np.ndarray, lifted: Path) -> np.ndarray:
    """Depths (D, 17) from MMPose's 3D file, NaN in frames that it does not have."""
    people, _ = read_people(lifted, dims=3)
    numbers, counts = np.unique(frames, return_counts=True)
    crowded = [number for number, persons in people.items() if len(persons) > 1] or numbers[counts > 1].tolist()
    if crowded:
        raise InputError(
            f'{path} and {lifted}: there are several persons in frame {crowded[0]}. The 3D file does not say where in '
            'the image they are; keep one person in each frame.'
        )
    there = np.isin(frames, [number for number, persons in people.items() if persons])
    if there.mean() < 0.5:
        raise InputError(
            f'{lifted} has 3D poses of {there.sum()} of the {len(frames)} frames of {path}: expected those of the same '
            'video, with the same frame numbers'
        )
    _, joints, _ = _flat(lifted, {number: people[number] for number in frames[there].tolist()})
    depth = np.full((len(frames), 17), np.nan)
    depth[there] = lifted_depth(str(lifted), joints)
    return depth
