"""Pinhole camera with Human3.6M's own lens distortion.

A camera is a dict as in MMPose's ``cameras.pkl``: ``R`` (3, 3) camera-to-world rotation, ``T`` (3, 1) camera
centre in world metres, ``f`` (2, 1) and ``c`` (2, 1) px, ``k`` (3, 1) radial and ``p`` (2, 1) tangential
coefficients, ``w`` and ``h`` px. The camera frame has x right, y down, z forward.

Human3.6M's formula counts the tangential term once where OpenCV's counts it twice, so ``cv2.projectPoints``
is not a substitute (0.02-0.1 px off on real annotations).
"""

import numpy as np

# Fixed-point undistortion gains about one decimal digit an iteration inside a Human3.6M image.
_MAX_UNDISTORT_ITERATIONS = 50
_UNDISTORT_TOLERANCE = 1e-12


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

    The distortion is inverted by fixed-point iteration, which converges everywhere inside the image of a
    Human3.6M-like camera.

    Args:
        pixels: (..., 2) distorted pixels (u, v).
        depth: (...) camera-frame z of each point, metres.
        camera: intrinsics and distortion, see the module's docstring.

    Returns:
        (..., 3) camera-frame metres.
    """
    distorted = (np.asarray(pixels, np.float64) - np.reshape(camera['c'], 2)) / np.reshape(camera['f'], 2)
    xy = distorted
    for _ in range(_MAX_UNDISTORT_ITERATIONS):
        factor, shift = _distortion(xy, camera)
        previous, xy = xy, (distorted - shift) / factor
        if np.max(np.abs(xy - previous), initial=0.0) < _UNDISTORT_TOLERANCE:
            break
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
