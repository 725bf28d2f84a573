"""Whether another reading of predictions fits the annotation's 2D poses clearly better than the one stated.

Plausible pixels may be those of the other side of the body, of another time, camera or image size. Errors are means
over visible joints in units of the side of the person's box, clipped at 1.
"""

from typing import NamedTuple

import numpy as np

from depth_refine.datasets import H36MAnnotation
from depth_refine.structures.skeleton import H36M

_CLEARLY = 0.7  # a reading counts as better below this share of the error as stated
_ANOTHER_VIDEO = 0.5  # the same for another video: there are many, and people who sit look alike
_NEGLIGIBLE = 0.003  # an error of about a pixel, which needs no explanation
_SAMPLE = 100  # frames of a video
_FEWEST = 10  # frames that a comparison needs
_LONGEST_SHIFT = 50  # frames of the annotation
_FLIP = list(H36M.flip_indices)
_LIMBS = [joint for joint, twin in enumerate(_FLIP) if twin != joint]


class Reading(NamedTuple):
    """Another reading of predictions."""

    share: float  # its error relative to that of the reading stated
    what: str  # the reading, as a clause for messages
    late: int = 0  # frames of the annotation by which poses are late


class _Sample(NamedTuple):
    """A sample of S frames."""

    predicted: np.ndarray  # (S, 17, 2) px
    truth: np.ndarray  # (S, 17, 2) px
    weights: np.ndarray  # (S, 17) 1 where the annotation's joint is visible, otherwise 0
    sides: np.ndarray  # (S, 1) px, of the boxes
    widths: np.ndarray  # (S, 1) px, of the images

    def error(self, predicted: np.ndarray) -> float:
        """The mean error of predictions (S, 17, 2), px, in sides of the box."""
        errors = np.linalg.norm(predicted - self.truth, axis=-1) / self.sides
        return float(np.average(errors.clip(max=1), weights=self.weights + 1e-12))


def better_reading(annotation: H36MAnnotation, keypoints: np.ndarray, videos: list[int]) -> Reading | None:
    """The reading that fits the predictions of some videos, taken together, clearly better than the one stated.

    Args:
        annotation: of the predicted frames.
        keypoints: (N, 17, 2) px, of all frames.
        videos: indices of the annotation's sequences.

    Returns:
        The reading, or None if there is no better one.
    """
    sample = _sample(annotation, keypoints, videos)
    stated = sample.error(sample.predicted)
    if stated < _NEGLIGIBLE or len(sample.truth) < _FEWEST:
        return None
    mirrored = sample.predicted[:, _FLIP] * (-1, 1) + np.stack([sample.widths, 0 * sample.widths], axis=-1)
    readings = [
        _confused(sample, stated),
        Reading(sample.error(mirrored) / stated, 'the images were mirrored'),
        _scaled(sample, stated),
        _shifted(annotation, keypoints, videos),
    ]
    best = min(readings)
    return best if best.share < _CLEARLY else None


def mean_offset(annotation: H36MAnnotation, keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean offset of predictions (N, 17, 2) from the annotation, x and y: in sides of the box, and in px."""
    sample = _sample(annotation, keypoints, list(range(len(annotation.sequences))))
    visible = sample.weights > 0
    apart = (sample.predicted - sample.truth)[visible]
    sides = np.broadcast_to(sample.sides, visible.shape)[visible]
    return (apart / sides[:, None]).mean(axis=0), apart.mean(axis=0)


def another_video(annotation: H36MAnnotation, keypoints: np.ndarray, video: int) -> str | None:
    """The name of another video that the predictions of a video clearly fit better, frame by frame, or None."""
    rows = annotation.sequences[video].rows[:: _step(annotation, video)]
    predicted = keypoints[rows]
    best = (_ANOTHER_VIDEO, None)
    stated = _errors(predicted, annotation, rows)
    for index, other in enumerate(annotation.sequences):
        others = other.rows[: len(annotation.sequences[video].rows) : _step(annotation, video)]
        if index != video and len(others) >= max(_FEWEST, len(rows) / 2):
            error = _errors(predicted[: len(others)], annotation, others).mean()
            best = min(best, (float(error / max(stated[: len(others)].mean(), _NEGLIGIBLE)), other.name))
    return best[1]


def _step(annotation: H36MAnnotation, video: int) -> int:
    """The step between the frames of a video that are in a sample."""
    return -(-len(annotation.sequences[video].rows) // _SAMPLE)


def _errors(predicted: np.ndarray, annotation: H36MAnnotation, rows: np.ndarray) -> np.ndarray:
    """Errors (S, 17), in sides of the box, of predictions (S, 17, 2), px, for rows (S,) of the annotation."""
    distances = np.linalg.norm(predicted - annotation.keypoints[rows], axis=-1)
    return (distances / (200 * annotation.scale[rows, None])).clip(max=1)


def _sample(annotation: H36MAnnotation, keypoints: np.ndarray, videos: list[int]) -> _Sample:
    rows = np.concatenate([annotation.sequences[video].rows[:: _step(annotation, video)] for video in videos])
    widths = [annotation.cameras[video]['w'] for video in annotation.sequence_ids[rows]]
    return _Sample(
        keypoints[rows],
        annotation.keypoints[rows],
        annotation.keypoints_visible[rows].astype(float),
        200 * annotation.scale[rows, None],
        np.array(widths, float)[:, None],
    )


def _scaled(sample: _Sample, stated: float) -> Reading:
    """Pixels of another scale or origin, by the best factor and offset along each axis."""
    weights = (sample.weights + 1e-12).ravel()
    fits = [
        np.polyfit(sample.truth[..., axis].ravel(), sample.predicted[..., axis].ravel(), 1, w=weights)
        for axis in (0, 1)
    ]
    factors, offsets = np.transpose(fits)
    if (factors < 0.1).any():
        return Reading(1.0, 'not scaled')
    what = (
        f'pixels are multiplied by {factors[0]:.3g} (x) and {factors[1]:.3g} (y) and moved by {offsets[0]:.0f} and '
        f'{offsets[1]:.0f} px: they are of images of another size, of crops or of another video'
    )
    return Reading(sample.error((sample.predicted - offsets) / factors) / stated, what)


def _shifted(annotation: H36MAnnotation, keypoints: np.ndarray, videos: list[int]) -> Reading:
    """Poses of shifted frames, by errors without each joint's mean offset."""
    errors = np.zeros((2, 2 * _LONGEST_SHIFT + 1))  # shifted by -50 to 50 frames; as stated, for the same frames
    for video in videos:
        rows = annotation.sequences[video].rows
        longest = min(_LONGEST_SHIFT, len(rows) // 3)
        frames = np.arange(longest, len(rows) - longest, _step(annotation, video))
        if len(frames) < _FEWEST:
            continue
        shifts = np.arange(-longest, longest + 1)
        apart = keypoints[rows][frames + shifts[:, None]] - annotation.keypoints[rows[frames]]
        apart -= apart.mean(axis=1, keepdims=True)
        distances = np.linalg.norm(apart, axis=-1) / (200 * annotation.scale[rows[frames], None])
        found = np.sum(distances.clip(max=1) * annotation.keypoints_visible[rows[frames]], axis=(1, 2))
        errors[0, shifts + _LONGEST_SHIFT] += found
        errors[1, shifts + _LONGEST_SHIFT] += found[longest]
    shares = np.divide(errors[0], errors[1], out=np.ones(len(errors[0])), where=errors[1] > 0)
    late = int(np.argmin(shares)) - _LONGEST_SHIFT
    step = np.diff(annotation.frames[annotation.sequences[videos[0]].rows])
    number = abs(late) * (int(np.median(step)) if len(step) else 1)
    what = (
        f'the poses come {number} frame{"s" * (number > 1)} {"late" if late > 0 else "early"}: is the first frame in '
        'the files that of the annotation, and the frame rate the same?'
    )
    return Reading(float(shares.min()), what, late)


def _confused(sample: _Sample, stated: float) -> Reading:
    """Limb joints in another order: each is the nearest joint of the annotation, if that is clearly nearer."""
    apart = sample.predicted[:, _LIMBS, None] - sample.truth[:, None, _LIMBS]
    distances = (np.linalg.norm(apart, axis=-1) / sample.sides[..., None]).clip(max=1)
    weights = np.broadcast_to(sample.weights[:, None, _LIMBS] + 1e-12, distances.shape)
    errors = np.average(distances, axis=0, weights=weights)  # (as predicted, as annotated)
    found = {
        _LIMBS[joint]: _LIMBS[errors[joint].argmin()]
        for joint in range(len(_LIMBS))
        if errors[joint].min() < _CLEARLY * errors[joint, joint]
    }
    order = np.arange(H36M.num_joints)
    order[list(found.values())] = list(found)
    if found == {joint: _FLIP[joint] for joint in _LIMBS}:
        what = 'left and right are exchanged'
    else:
        pairs = [f'{H36M.joint_names[joint]} is {H36M.joint_names[other]}' for joint, other in found.items()]
        what = f'joints are in another order ({", ".join(pairs)})'
    return Reading(sample.error(sample.predicted[:, order]) / stated, what)
