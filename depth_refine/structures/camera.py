"""The camera of a video, given or assumed."""

from collections.abc import Sequence

import numpy as np

from depth_refine.utils.errors import InputError
from depth_refine.utils.units import focal_length, require_unit

# Human3.6M's focal length in widths of its square frames, the mean of its cameras; assumed of unknown cameras too.
TRAINING_FOCAL = 1.147


def make_camera(
    size: tuple[int, int], intrinsics: Sequence[float] | None = None, extrinsics: dict | None = None
) -> tuple[dict, str]:
    """A camera in the form of :mod:`depth_refine.functional.camera`.

    Args:
        size: width and height of the upright frames, px.
        intrinsics: fx, fy, cx, cy, px, and, if the lens distorts, k1, k2, k3, p1, p2; by default assumed.
        extrinsics: ``R`` (3, 3), the rotation from the camera frame to the world frame, and ``T`` (3,), the camera's
            centre in world metres, if the world frame is known.

    Returns:
        The camera and a sentence on where it comes from.

    Raises:
        InputError: the numbers are not of such a camera.
    """
    width, height = size
    check_camera(intrinsics, extrinsics)
    if intrinsics is None:
        focal = TRAINING_FOCAL * max(width, height)
        numbers = np.array([focal, focal, width / 2, height / 2])
        source = (
            f'assumed: focal length {focal:.0f} px, {TRAINING_FOCAL:g} times the longer side, and no lens distortion. '
            'Distances from the camera scale with the focal length.'
        )
    else:
        numbers, source = np.asarray(intrinsics, float), 'given'
        require_unit('fx and fy of the intrinsics', numbers[:2], focal_length(max(width, height)))
    f, c, k, p = np.split(np.pad(numbers, (0, 9 - len(numbers)))[:, None], [2, 4, 7])
    camera = dict(f=f, c=c, k=k, p=p, w=width, h=height)
    if extrinsics is not None:
        camera['R'] = np.array(extrinsics['R'], float).reshape(3, 3)
        camera['T'] = np.array(extrinsics['T'], float).reshape(3, 1)
    return camera, source


def check_camera(intrinsics: Sequence[float] | None, extrinsics: dict | None = None) -> None:
    """Refuse what :func:`make_camera` would (``InputError``) whatever the size of the frames, before long work."""
    if intrinsics is not None:
        numbers = np.asarray(intrinsics, float)
        if numbers.shape not in ((4,), (9,)) or not np.isfinite(numbers).all() or (numbers[:2] <= 0).any():
            raise InputError(
                'expected the intrinsics fx, fy, cx and cy in px, fx and fy above 0, alone or with the distortion k1, '
                f'k2, k3, p1 and p2, got {intrinsics}'
            )
    if extrinsics is None:
        return
    try:
        rotation = np.array(extrinsics['R'], float).reshape(3, 3)
        np.array(extrinsics['T'], float).reshape(3)
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f'expected extrinsics with R (3, 3) and T (3,), got {extrinsics}') from error
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
        raise InputError(f'expected a rotation as R of the extrinsics, got {rotation.tolist()}')
