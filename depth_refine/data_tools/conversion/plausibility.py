"""Refuses predictions whose units, axes or joints are plainly other than stated, by comparing with the annotation."""

import numpy as np

from depth_refine.datasets import H36MAnnotation
from depth_refine.utils.errors import InputError

_LARGEST_2D_ERROR = 0.25  # of the box's side; confused joints are further off
_DEPTH_SPREAD = (0.05, 3.0)  # metres between the nearest and the farthest joint of a person, the median over frames


def check_keypoints(name: str, keypoints: np.ndarray, annotation: H36MAnnotation, rows: np.ndarray) -> None:
    """Refuse 2D poses of one video that lie elsewhere than the annotation's.

    Args:
        name: of the video.
        keypoints: (T, 17, 2) px.
        annotation: poses that are visible are compared; a video without any is not checked.
        rows: (T,) rows of the annotation.

    Raises:
        InputError: the median joint lies further than a quarter of the box away from where it should be.
    """
    distances = np.linalg.norm(keypoints - annotation.keypoints[rows], axis=-1)
    visible = annotation.keypoints_visible[rows]
    error = np.median((distances / (200 * annotation.scale[rows, None]))[visible]) if visible.any() else 0
    if error > _LARGEST_2D_ERROR:
        low, high = keypoints.min(axis=(0, 1)), keypoints.max(axis=(0, 1))
        raise InputError(
            f"{name}: half of the joints lie more than {error:.2f} sides of the person's box from the annotation, from "
            f'({low[0]:.4g}, {low[1]:.4g}) to ({high[0]:.4g}, {high[1]:.4g}). Expected pixels of the full frame; are '
            'these normalised, of another image size or crop, of another video, or in another joint order?'
        )


def check_depth(depth: np.ndarray, unit: str, annotation: H36MAnnotation) -> None:
    """Refuse depths of another unit or axis.

    Args:
        depth: (N, 17) metres relative to the root, one row for each of the annotation's.
        unit: as stated, for the message.
        annotation: poses that are visible are compared.

    Raises:
        InputError: nobody's joints are spread in depth like that, or joints are nearer where they should be farther.
    """
    spread = float(np.median(np.ptp(depth, axis=1)))
    if not _DEPTH_SPREAD[0] <= spread <= _DEPTH_SPREAD[1]:
        raise InputError(
            f"in the unit {unit!r} a person's joints would spread over {spread:.3g} m in depth, median over frames: "
            f'expected {_DEPTH_SPREAD[0]} to {_DEPTH_SPREAD[1]} m. State the right unit; depths without a physical '
            'unit cannot be imported.'
        )
    truth = annotation.keypoints_3d[..., 2] - annotation.keypoints_3d[:, :1, 2]
    visible = annotation.keypoints_3d_visible & annotation.keypoints_3d_visible[:, :1]
    if np.sum((depth * truth)[visible]) < 0:
        raise InputError(
            "depths run against the annotation's: expected camera z relative to the root, larger when farther away. "
            'Reverse their sign, or give another axis.'
        )
