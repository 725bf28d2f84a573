"""Checks of predictions against the poses of their annotation, which refuse or note, and change nothing."""

import numpy as np

from depth_refine.datasets import H36MAnnotation
from depth_refine.utils.errors import InputError

from .depths import check_spread
from .other_readings import another_video, better_reading, mean_offset

_LARGEST_2D_ERROR = 0.25  # of the box's side; joints in another order are further off
_LARGEST_OFFSET = 0.02  # of the box's side, mean over all joints and videos
_LARGEST_FACTOR = 4  # between the standard deviations of depths in predictions and annotation
_LAG = 2  # frames by which a smoothing estimator may be late
_LISTED = 5  # videos in a message


def check_keypoints(annotation: H36MAnnotation, keypoints: np.ndarray, video: int) -> None:
    """Refuse 2D poses (N, 17, 2), px, if the median error of a video's visible joints is above a quarter of the box.

    Raises:
        InputError: it is; the message says what the poses may be.
    """
    name, rows = annotation.sequences[video].name, annotation.sequences[video].rows
    distances = np.linalg.norm(keypoints[rows] - annotation.keypoints[rows], axis=-1)
    visible = annotation.keypoints_visible[rows]
    error = np.median((distances / (200 * annotation.scale[rows, None]))[visible]) if visible.any() else 0
    if error > _LARGEST_2D_ERROR:
        low, high = keypoints[rows].min(axis=(0, 1)), keypoints[rows].max(axis=(0, 1))
        other, reading = another_video(annotation, keypoints, video), better_reading(annotation, keypoints, [video])
        found = f' They fit {other} better.' if other else f' It seems that {reading.what}.' if reading else ''
        raise InputError(
            f"{name}: half of the joints lie more than {error:.2f} sides of the person's box from the annotation, from "
            f'({low[0]:.4g}, {low[1]:.4g}) to ({high[0]:.4g}, {high[1]:.4g}). Expected pixels of the full frame; are '
            'these normalised, of another image size or crop, of another video or frame rate, or in another joint '
            f'order?{found}'
        )


def compare(annotation: H36MAnnotation, keypoints: np.ndarray) -> list[str]:
    """Refuse 2D poses (N, 17, 2), px, that are clearly something else than stated, such as another joint order.

    Returns:
        Sentences on single videos for which that holds, and on what may be wrong.

    Raises:
        InputError: taken together, most videos have sides or joints exchanged, shifted frames, or mirrored or scaled
            images; or the predictions of some videos fit other videos.
    """
    names, videos = [sequence.name for sequence in annotation.sequences], list(range(len(annotation.sequences)))
    reading = better_reading(annotation, keypoints, videos)
    others = {names[v]: other for v in videos if (other := another_video(annotation, keypoints, v))}
    if others and (reading is None or len(others) > len(videos) / 2):
        name, other = next(iter(others.items()))
        raise InputError(
            f'the predictions of {len(others)} of {len(videos)} videos fit another video better than the one they are '
            f'named after, those of {name} {other}: are subjects, actions or cameras mixed up?'
        )
    if reading and abs(reading.late) not in range(1, _LAG + 1):
        raise InputError(
            f'the predictions do not fit {annotation.path.name} as they are: {reading.what}. Write the files '
            'again, or give another --joint-order or --first-frame.'
        )
    if reading:
        return [f'of the predictions {reading.what}']
    found = {names[video]: better_reading(annotation, keypoints, [video]) for video in videos}
    odd = [f'{name}: {reading.what}' for name, reading in found.items() if reading]
    more = f'; and {len(odd) - _LISTED} more' if len(odd) > _LISTED else ''
    notes = (
        [f'{len(odd)} of {len(videos)} videos fit the annotation better if changed: {"; ".join(odd[:_LISTED])}{more}']
        if odd
        else []
    )
    sides, pixels = mean_offset(annotation, keypoints)
    if np.abs(sides).max() > _LARGEST_OFFSET:
        notes.append(
            f'the predictions lie {pixels[0]:+.0f} px (x) and {pixels[1]:+.0f} px (y) beside the annotation on '
            'average: are they of crops, or of another image size?'
        )
    return notes


def check_depth(depth: np.ndarray, unit: str, annotation: H36MAnnotation) -> None:
    """Refuse depths of another unit or axis than stated.

    Args:
        depth: (N, 17) metres relative to the root, if they are in the unit.
        unit: a key of ``METRES``, as stated.
        annotation: of the same frames.

    Raises:
        InputError: the depths do not fit the annotation's.
    """
    check_spread(depth, unit)
    truth = annotation.keypoints_3d[..., 2] - annotation.keypoints_3d[:, :1, 2]
    visible = annotation.keypoints_3d_visible & annotation.keypoints_3d_visible[:, :1]
    if np.sum((depth * truth)[visible]) < 0:
        raise InputError(
            "depths run against the annotation's: expected camera z relative to the root, larger when farther away. "
            'Reverse their sign, or give another axis.'
        )
    factor = float(np.std(depth[visible]) / max(np.std(truth[visible]), 1e-6))
    if not 1 / _LARGEST_FACTOR <= factor <= _LARGEST_FACTOR:
        raise InputError(
            f"depths in the unit {unit!r} vary {factor:.3g} times as much as the annotation's: expected "
            f'{1 / _LARGEST_FACTOR:.2g} to {_LARGEST_FACTOR:g} times. Give the right --depth-unit, or convert them.'
        )
