"""The camera of a video, given or assumed."""

from collections.abc import Sequence

import numpy as np

from depth_refine.errors import InputError

# Human3.6M's focal length in widths of its square frames, the mean of its cameras; assumed of unknown cameras too.
TRAINING_FOCAL = 1.147


def make_camera(
    size: tuple[int, int], intrinsics: Sequence[float] | None = None, extrinsics: dict | None = None
) -> tuple[dict, str]:
    """A pinhole camera in the form of :mod:`depth_refine.functional.camera`.

    Args:
        size: width and height of the upright frames, px.
        intrinsics: fx, fy, cx, cy, px; by default assumed.
        extrinsics: ``R`` (3, 3), the rotation from the camera frame to the world frame, and ``T`` (3,), the camera's
            centre in world metres, if the world frame is known.

    Returns:
        The camera and a sentence on where it comes from.

    Raises:
        InputError: the numbers are not of such a camera.
    """
    width, height = size
    if intrinsics is None:
        focal = TRAINING_FOCAL * max(width, height)
        numbers = np.array([focal, focal, width / 2, height / 2])
        source = (
            f'assumed: focal length {focal:.0f} px, {TRAINING_FOCAL:g} times the longer side, and no lens distortion. '
            'Distances from the camera scale with the focal length.'
        )
    else:
        numbers, source = np.asarray(intrinsics, float), 'given'
        if numbers.shape != (4,) or not np.isfinite(numbers).all() or (numbers[:2] <= 0).any():
            raise InputError(f'expected the intrinsics fx, fy, cx and cy in px, fx and fy above 0, got {intrinsics}')
    zeros = dict(k=np.zeros((3, 1)), p=np.zeros((2, 1)))
    camera = dict(f=numbers[:2, None], c=numbers[2:, None], **zeros, w=width, h=height)
    return camera | (_checked_extrinsics(extrinsics) if extrinsics is not None else {}), source


def through_training_camera(pixels: np.ndarray, camera: dict) -> np.ndarray:
    """What a camera like Human3.6M's would see: the same rays, on a frame one unit wide and high.

    A refiner knows how large people are in the frames of its training; by another focal length or in another shape of
    frame they are larger or smaller.

    Args:
        pixels: (..., 2) px.
        camera: without lens distortion.

    Returns:
        (..., 2) in widths of the frame, from its top left corner.
    """
    return ((pixels - np.ravel(camera['c'])) / np.ravel(camera['f']) * TRAINING_FOCAL + 0.5).astype(pixels.dtype)


def _checked_extrinsics(extrinsics: dict) -> dict:
    try:
        rotation, centre = (
            np.array(extrinsics['R'], float).reshape(3, 3),
            np.array(extrinsics['T'], float).reshape(3, 1),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f'expected extrinsics with R (3, 3) and T (3,), got {extrinsics}') from error
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
        raise InputError(f'expected a rotation as R of the extrinsics, got {rotation.tolist()}')
    return dict(R=rotation, T=centre)
