"""The path of the root in space, from root-relative 3D poses and their 2D joints, by linear least squares."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from depth_refine.utils.errors import InputError

_MIN_SPREAD = 1.0  # px, root mean square about the mean; joints closer together do not determine their distance


def estimate_root_trajectory(
    keypoints_3d: np.ndarray,
    keypoints: np.ndarray,
    focal: np.ndarray,
    center: np.ndarray,
    weights: np.ndarray | None = None,
    smooth: float = 0.0,
) -> np.ndarray:
    """Root positions in the camera frame at which the 3D joints project to the 2D joints.

    A joint at (X, Y, Z) from the root (tx, ty, tz) is seen at (u, v) of an ideal pinhole camera if
    ``fx (X + tx) = (u - cx) (Z + tz)`` and ``fy (Y + ty) = (v - cy) (Z + tz)``, which is linear in the root. The
    residual of such an equation is the focal length times the distance, at the joint's depth, of the joint from the ray
    of its pixel. Minimising it is right where errors of poses are larger than those of pixels. On such poses the
    reprojection error, which gives near joints more weight, would place people too far away.

    A frame does not determine its root if fewer than two joints count, if they are less than a pixel apart, or if the
    solution is at or behind the camera. Its root is interpolated from the frames around it; before the first and after
    the last frame that does, the root stays where it is there.

    Args:
        keypoints_3d: (T, K, 3) metres from the root, camera axes.
        keypoints: (T, K, 2) px, without lens distortion.
        focal: (2,) focal lengths fx, fy, px.
        center: (2,) principal point cx, cy, px.
        weights: (T, K) confidences of the joints, 0 or more, which multiply their squared errors; equal if None. Joints
            with a coordinate or confidence that is not finite do not count.
        smooth: px / m, not negative. The trajectory minimises the weighted squared residuals, divided by the person's
            squared distance to make them pixels, plus ``(smooth * d)^2`` for all second differences ``d`` of the root,
            metres. A good value is the noise of the 2D joints divided by the second differences to be expected: 5 px
            and accelerations of 3 m / s^2 at 50 frames a second, which are 3 / 50^2 m, make 4000. With 0 every frame is
            solved on its own.

    Returns:
        (T, 3) camera-frame metres (x right, y down, z forward), finite.

    Raises:
        ValueError: shapes do not fit, or ``focal`` or ``smooth`` is out of range.
        InputError: a weight is negative, or no frame determines its root.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.root_trajectory import estimate_root_trajectory
        >>> pose = np.array([[[0.0, 0.0, 0.0], [0.0, -0.5, 0.0]]])  # the root and a joint 0.5 m above it
        >>> pixels = np.array([[[500.0, 500.0], [500.0, 400.0]]])
        >>> root = estimate_root_trajectory(pose, pixels, focal=[1000, 1000], center=[500, 500])
        >>> np.allclose(root, [[0, 0, 5]])
        True
    """
    keypoints_3d, keypoints = np.asarray(keypoints_3d, np.float64), np.asarray(keypoints, np.float64)
    focal, center = np.asarray(focal, np.float64), np.asarray(center, np.float64)
    weights = np.ones(keypoints.shape[:-1]) if weights is None else np.asarray(weights, np.float64)
    _check(keypoints_3d, keypoints, focal, center, weights, smooth)

    rays = (keypoints - center) / focal
    counts = np.isfinite(rays).all(axis=-1) & np.isfinite(keypoints_3d).all(axis=-1) & (np.nan_to_num(weights) > 0)
    weights = np.where(counts, weights, 0.0)
    rays, joints = (np.where(counts[..., None], values, 0.0) for values in (rays, keypoints_3d))

    valid = _spread(rays * focal, weights) > _MIN_SPREAD
    normal, target = _normal_equations(joints, rays, focal, weights)
    normal[~valid] = np.eye(3)
    root = np.linalg.solve(normal, target[..., None])[..., 0]
    distance = joints[..., 2] + root[:, 2:]
    valid &= np.all((distance > 0) | ~counts, axis=-1)
    if not valid.any():
        raise InputError(
            'the 3D pose fits the 2D joints in no frame: expected two or more joints of a weight above 0, more than a '
            'pixel apart, to which their 3D positions project from in front of the camera. After too short a training '
            'they do not; are focal length and principal point those of the video?'
        )

    frames, solved = np.arange(len(valid)), valid
    if smooth > 0:
        first, last = np.flatnonzero(valid)[[0, -1]]
        solved = (frames >= first) & (frames <= last)
        sums = weights.sum(axis=-1), np.sum(weights * distance, axis=-1)
        scale = np.divide(*sums, out=np.zeros(len(valid)), where=valid)[solved, None] ** 2
        root[solved] = _solve_smooth(normal[solved] * scale[..., None], target[solved] * scale, smooth)
    return np.stack([np.interp(frames, frames[solved], axis) for axis in root[solved].T], axis=-1)


def _check(keypoints_3d, keypoints, focal, center, weights, smooth) -> None:
    shape = weights.shape
    if not (weights.ndim == 2 and keypoints_3d.shape == (*shape, 3) and keypoints.shape == (*shape, 2)):
        raise ValueError(
            'expected 3D joints (T, K, 3), 2D joints (T, K, 2) and weights (T, K), got '
            f'{keypoints_3d.shape}, {keypoints.shape} and {shape}'
        )
    if focal.shape != (2,) or center.shape != (2,) or not np.isfinite([focal, center]).all() or np.any(focal <= 0):
        raise ValueError(
            f'expected focal lengths (2,) above 0 and a principal point (2,), px, got {focal} and {center}'
        )
    if not 0 <= smooth < np.inf:
        raise ValueError(f'expected smooth to be 0 or more px / m, got {smooth}')
    if np.any(weights < 0):
        frame, joint = np.argwhere(weights < 0)[0]
        raise InputError(f'expected weights of 0 or more, got {weights[frame, joint]} in frame {frame}, joint {joint}')


def _spread(pixels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(T,) root mean square distance of the weighted pixels (T, K, 2) from their mean; 0 without weights."""
    share = (weights / np.maximum(weights.sum(axis=-1, keepdims=True), np.finfo(float).tiny))[..., None]
    mean = np.sum(share * pixels, axis=1, keepdims=True)
    return np.sqrt(np.sum(share * (pixels - mean) ** 2, axis=(1, 2)))


def _normal_equations(joints, rays, focal, weights) -> tuple[np.ndarray, np.ndarray]:
    """Matrices (T, 3, 3) and right-hand sides (T, 3) of the weighted least squares problem of every frame.

    The equations of a joint seen along the ray (x, y, 1), times the focal lengths, are ``tx - x tz = x Z - X`` and
    ``ty - y tz = y Z - Y``.
    """
    equations = np.zeros((*rays.shape, 3))
    equations[..., 0, 0] = equations[..., 1, 1] = 1
    equations[..., 2] = -rays
    equations *= focal[:, None]
    sides = focal * (rays * joints[..., 2:] - joints[..., :2])
    normal = np.einsum('tk,tkai,tkaj->tij', weights, equations, equations)
    return normal, np.einsum('tk,tkai,tka->ti', weights, equations, sides)


def _solve_smooth(normal: np.ndarray, target: np.ndarray, smooth: float) -> np.ndarray:
    """Roots (T, 3) of all frames together, with the penalty on second differences; a banded system."""
    frames = len(normal)
    data = sparse.bsr_array((normal, np.arange(frames), np.arange(frames + 1)))
    unit = sparse.eye_array(frames, format='csr')
    differences = unit[:-2] - 2 * unit[1:-1] + unit[2:]
    penalty = sparse.kron(differences.T @ differences, smooth**2 * np.eye(3))
    return spsolve((data + penalty).tocsc(), target.ravel()).reshape(frames, 3)
