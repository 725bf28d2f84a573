"""Pinhole camera with Human3.6M's own lens distortion.

A camera is a dict as in MMPose's ``cameras.pkl``: ``R`` (3, 3) camera-to-world rotation, ``T`` (3, 1) camera
centre in world metres, ``f`` (2, 1) and ``c`` (2, 1) px, ``k`` (3, 1) radial and ``p`` (2, 1) tangential
coefficients, ``w`` and ``h`` px. The camera frame has x right, y down, z forward.

Human3.6M's formula counts the tangential term once where OpenCV's counts it twice, so ``cv2.projectPoints``
is not a substitute (0.02-0.1 px off on real annotations).
"""

import numpy as np

_MAX_NEWTON_STEPS = 50
_TOLERANCE = 1e-12  # of normalised coordinates


def world_to_camera(points: np.ndarray, camera: dict) -> np.ndarray:
    """World metres (..., 3) to camera-frame metres (..., 3): ``R^T (X - T)``."""
    return (points - np.reshape(camera['T'], 3)) @ np.asarray(camera['R'])


def camera_to_world(points: np.ndarray, camera: dict) -> np.ndarray:
    """Camera-frame metres (..., 3) to world metres (..., 3): ``R X + T``."""
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
    """
    points = np.asarray(points)
    if np.any(points[..., 2] <= 0):
        raise ValueError(
            f'cannot project a point at or behind the camera: expected every z > 0, got {points[..., 2].min():.3f} m'
        )
    xy = points[..., :2] / points[..., 2:]
    factor, shift = _distortion(xy, camera)
    return (xy * factor + shift) * np.reshape(camera['f'], 2) + np.reshape(camera['c'], 2)


def back_project(pixels: np.ndarray, depth: np.ndarray, camera: dict) -> np.ndarray:
    """Inverse of :func:`project` at a known depth.

    The distortion is inverted by Newton's method. Pixels far outside the image, where the lens model folds over, may
    have no origin; they come out as NaN.

    Args:
        pixels: (..., 2) distorted pixels (u, v).
        depth: (...) camera-frame z of each point, metres.
        camera: intrinsics and distortion, see the module's docstring.

    Returns:
        (..., 3) camera-frame metres.
    """
    distorted = (np.asarray(pixels, np.float64) - np.reshape(camera['c'], 2)) / np.reshape(camera['f'], 2)
    xy = distorted
    for _ in range(_MAX_NEWTON_STEPS):
        factor, shift = _distortion(xy, camera)
        residual = xy * factor + shift - distorted
        if np.max(np.abs(residual), initial=0.0) < _TOLERANCE:
            break
        xy = xy - _solve_2x2(_distortion_jacobian(xy, factor, camera), residual)
    inverted = np.all(np.abs(residual) < 1e-6, axis=-1, keepdims=True) & (factor > 0)
    xy = np.where(inverted, xy, np.nan)
    depth = np.asarray(depth, np.float64)[..., None]
    return np.concatenate([xy * depth, depth], axis=-1)


def _distortion(xy: np.ndarray, camera: dict) -> tuple[np.ndarray, np.ndarray]:
    """Factor (..., 1) and shift (..., 2) with ``distorted = xy * factor + shift``, on normalised (..., 2)."""
    k1, k2, k3 = np.reshape(camera['k'], 3)
    p1, p2 = np.reshape(camera['p'], 2)
    r2 = np.sum(xy**2, axis=-1, keepdims=True)
    radial = r2 * (k1 + r2 * (k2 + r2 * k3))
    tangential = p1 * xy[..., 1:] + p2 * xy[..., :1]
    return 1 + radial + tangential, np.array([p2, p1]) * r2


def _distortion_jacobian(xy: np.ndarray, factor: np.ndarray, camera: dict) -> np.ndarray:
    """(..., 2, 2) derivative of the distorted by the undistorted normalised coordinates (..., 2)."""
    k1, k2, k3 = np.reshape(camera['k'], 3)
    swapped_p = np.reshape(camera['p'], 2)[::-1]
    r2 = np.sum(xy**2, axis=-1, keepdims=True)
    factor_gradient = 2 * xy * (k1 + r2 * (2 * k2 + r2 * 3 * k3)) + swapped_p
    column, row = xy[..., :, None], xy[..., None, :]
    return factor[..., None] * np.eye(2) + column * factor_gradient[..., None, :] + 2 * swapped_p[:, None] * row


def _solve_2x2(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Solve (..., 2, 2) systems by Cramer's rule, all at once."""
    (a, b), (c, d) = np.moveaxis(matrix, (-2, -1), (0, 1))
    x, y = np.moveaxis(vector, -1, 0)
    return np.stack([d * x - b * y, a * y - c * x], axis=-1) / (a * d - b * c)[..., None]
