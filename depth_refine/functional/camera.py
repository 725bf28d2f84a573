"""Pinhole camera with Human3.6M's own lens distortion.

A camera is a dict as in MMPose's ``cameras.pkl``: ``R`` (3, 3) camera-to-world rotation, ``T`` (3, 1) camera
centre in world metres, ``f`` (2, 1) and ``c`` (2, 1) px, ``k`` (3, 1) radial and ``p`` (2, 1) tangential
coefficients, ``w`` and ``h`` px. Without ``k`` or ``p`` the lens does not distort. The camera frame has x right, y
down, z forward.

The tangential terms of OpenCV's formula are ``2 p1 x y + p2 (r2 + 2 x^2)`` and ``p1 (r2 + 2 y^2) + 2 p2 x y``.
Human3.6M's formula has no factor 2 in them. So one project's ``p`` is wrong for the other (by 0.02-0.1 px on real
annotations). ``lens='opencv'`` says that a camera's coefficients are OpenCV's.
"""

import numpy as np
import torch
from torch import Tensor

from depth_refine.utils.arrays import as_given, as_tensor

_MAX_NEWTON_STEPS = 50


def world_to_camera(points: np.ndarray, camera: dict) -> np.ndarray:
    """Camera-frame points (..., 3) of world points (..., 3), both in metres: ``R^T (X - T)``."""
    return (points - np.reshape(camera['T'], 3)) @ np.asarray(camera['R'])


def camera_to_world(points: np.ndarray, camera: dict) -> np.ndarray:
    """World points (..., 3) of camera-frame points (..., 3), both in metres: ``R X + T``."""
    return points @ np.asarray(camera['R']).T + np.reshape(camera['T'], 3)


def project(points: np.ndarray, camera: dict) -> np.ndarray:
    """Project camera-frame points to the (distorted) image.

    Args:
        points: (..., 3) camera-frame metres, z > 0.
        camera: intrinsics and distortion, see the module's docstring.

    Returns:
        (..., 2) pixels (u, v).

    Raises:
        ValueError: a point lies at or behind the camera.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.camera import project
        >>> camera = dict(f=[1000, 1000], c=[500, 500])
        >>> project(np.array([[0.0, 0.0, 4.0], [2.0, -1.0, 4.0]]), camera).tolist()
        [[500.0, 500.0], [1000.0, 250.0]]
    """
    points = np.asarray(points)
    if np.any(points[..., 2] <= 0):
        raise ValueError(
            f'cannot project a point at or behind the camera: expected every z > 0, got {points[..., 2].min():.3f} m'
        )
    return project_rays(points[..., :2] / points[..., 2:], camera)


def project_rays(rays: np.ndarray, camera: dict) -> np.ndarray:
    """The (distorted) pixels (..., 2) of rays (..., 2), which are x / z and y / z; float64."""
    xy = torch.from_numpy(np.ascontiguousarray(rays, np.float64))
    f, c, k, p = (_numbers(camera, key, xy) for key in 'fckp')
    factor, shift = _distortion(xy, k, p, _twice(camera))
    return ((xy * factor + shift) * f + c).numpy()


def back_project(pixels: np.ndarray, depth: np.ndarray, camera: dict) -> np.ndarray:
    """Camera-frame points of pixels at known depths: the inverse of :func:`project`.

    The distortion is inverted by Newton's method. Far outside the image the lens model folds over. Pixels there may be
    the image of no point; their points are NaN.

    Args:
        pixels: (..., 2) distorted pixels (u, v).
        depth: (...) camera-frame z of each point, metres.
        camera: intrinsics and distortion, see the module's docstring.

    Returns:
        (..., 3) camera-frame metres, float64.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.camera import back_project
        >>> camera = dict(f=[1000, 1000], c=[500, 500])
        >>> back_project(np.array([[1000.0, 250.0]]), np.array([4.0]), camera).tolist()
        [[2.0, -1.0, 4.0]]
    """
    _, xy, inverted = _invert(torch.from_numpy(np.ascontiguousarray(pixels, np.float64)), camera)
    xy = torch.where(inverted, xy, torch.nan).numpy()
    depth = np.asarray(depth, np.float64)[..., None]
    return np.concatenate([xy * depth, depth], axis=-1)


def pixel_rays(pixels: np.ndarray | Tensor, camera: dict) -> np.ndarray | Tensor:
    """The rays of pixels, lens distortion removed.

    Args:
        pixels: (..., 2) distorted pixels (u, v) of one camera, or (B, ..., 2) of B cameras.
        camera: intrinsics and distortion, see the module's docstring; of B cameras ``f`` and ``c`` are (B, 2), ``k``
            (B, 3) and ``p`` (B, 2).

    Returns:
        (..., 2) of x / z and y / z, in the precision of the pixels. A pixel that no ray meets, far outside the image,
        gets the ray of a lens without distortion.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.camera import pixel_rays
        >>> camera = dict(f=[1000, 1000], c=[500, 500])
        >>> pixel_rays(np.array([[500.0, 500.0], [1000.0, 250.0]]), camera).tolist()
        [[0.0, 0.0], [0.5, -0.25]]
    """
    distorted, xy, inverted = _invert(as_tensor(pixels), camera)
    return as_given(torch.where(inverted, xy, distorted), pixels)


def has_rays(pixels: np.ndarray, camera: dict) -> np.ndarray:
    """Whether the lens model has a ray for each pixel (..., 2), as booleans (...)."""
    return _invert(torch.from_numpy(np.ascontiguousarray(pixels, np.float64)), camera)[2][..., 0].numpy()


def _invert(pixels: Tensor, camera: dict) -> tuple[Tensor, Tensor, Tensor]:
    """Distorted and undistorted normalised coordinates (..., 2), and whether the latter were found, (..., 1)."""
    f, c, k, p = (_numbers(camera, key, pixels) for key in 'fckp')
    twice = _twice(camera)
    distorted = (pixels - c) / f
    if not k.any() and not p.any():
        return distorted, distorted, torch.ones_like(distorted[..., :1], dtype=torch.bool)
    xy, tolerance = distorted, max(1e-12, 4 * torch.finfo(pixels.dtype).eps)
    for _ in range(_MAX_NEWTON_STEPS):
        factor, shift = _distortion(xy, k, p, twice)
        residual = xy * factor + shift - distorted
        if not (residual.abs() >= tolerance).any():
            break
        xy = xy - _solve_2x2(_distortion_jacobian(xy, factor, k, p, twice), residual)
    return distorted, xy, (residual.abs() < max(1e-6, 10 * tolerance)).all(dim=-1, keepdim=True) & (factor > 0)


def _numbers(camera: dict, key: str, like: Tensor) -> Tensor:
    """An entry's n numbers, with the type and device of the pixels ``like``: (n), or (B, 1, ..., n) of B cameras."""
    count = 3 if key == 'k' else 2
    values = np.zeros(count) if key in 'kp' and key not in camera else camera[key]
    values = torch.as_tensor(values, dtype=like.dtype, device=like.device)
    return values.reshape(count) if values.numel() == count else values.reshape(-1, *[1] * (like.ndim - 2), count)


def _twice(camera: dict) -> float:
    """The factor of the tangential terms: 2 in OpenCV's formula, 1 in Human3.6M's."""
    return 2.0 if camera.get('lens') == 'opencv' else 1.0


def _distortion(xy: Tensor, k: Tensor, p: Tensor, twice: float) -> tuple[Tensor, Tensor]:
    """Factor (..., 1) and shift (..., 2) with ``distorted = xy * factor + shift``, normalised coordinates (..., 2)."""
    k1, k2, k3 = k.split(1, dim=-1)
    p1, p2 = p.split(1, dim=-1)
    r2 = xy.square().sum(dim=-1, keepdim=True)
    radial = r2 * (k1 + r2 * (k2 + r2 * k3))
    tangential = twice * (p1 * xy[..., 1:] + p2 * xy[..., :1])
    return 1 + radial + tangential, p.flip(-1) * r2


def _distortion_jacobian(xy: Tensor, factor: Tensor, k: Tensor, p: Tensor, twice: float) -> Tensor:
    """Derivative (..., 2, 2) of the distorted by the undistorted normalised coordinates (..., 2)."""
    k1, k2, k3 = k.split(1, dim=-1)
    swapped_p = p.flip(-1)
    r2 = xy.square().sum(dim=-1, keepdim=True)
    factor_gradient = 2 * xy * (k1 + r2 * (2 * k2 + r2 * 3 * k3)) + twice * swapped_p
    column, row = xy[..., :, None], xy[..., None, :]
    identity = torch.eye(2, dtype=xy.dtype, device=xy.device)
    return factor[..., None] * identity + column * factor_gradient[..., None, :] + 2 * swapped_p[..., :, None] * row


def _solve_2x2(matrix: Tensor, vector: Tensor) -> Tensor:
    """Solutions (..., 2) of systems (..., 2, 2), by Cramer's rule."""
    a, b, c, d = matrix.flatten(-2).unbind(dim=-1)
    x, y = vector.unbind(dim=-1)
    return torch.stack([d * x - b * y, a * y - c * x], dim=-1) / (a * d - b * c)[..., None]
