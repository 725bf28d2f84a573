"""Errors between 3D poses, and the alignments that the evaluation protocols allow before measuring.

Shapes: N frames (of one sequence, in order of time, where differences are taken), K joints. ``visible`` (N, K) is
boolean; joints that are not visible count neither in an error nor in an alignment. Everything is in metres and
vectorised over frames.
"""

import numpy as np


def mpjpe(pred: np.ndarray, gt: np.ndarray, visible: np.ndarray | None = None) -> np.ndarray:
    """Mean per-joint position error of each frame.

    Nothing is aligned here: for Protocol 1 the caller puts the root at the origin on both sides, for the other
    protocols it calls :func:`similarity_align` or :func:`scale_align` first.

    Args:
        pred: (N, K, 3) predicted joints, metres.
        gt: (N, K, 3) true joints in the same frame, metres.
        visible: (N, K), all joints if None.

    Returns:
        (N,) mean Euclidean distance over the visible joints, metres.

    Raises:
        ValueError: shapes differ, or a frame has no visible joint.
    """
    weights = _joint_weights(pred, gt, visible)
    return np.sum(weights * np.linalg.norm(pred - gt, axis=-1), axis=-1)


def similarity_align(pred: np.ndarray, gt: np.ndarray, visible: np.ndarray | None = None) -> np.ndarray:
    """Move each predicted pose onto the truth by the best rotation, translation and positive scale.

    Least squares over the visible joints in closed form (Umeyama, "Least-squares estimation of transformation
    parameters between two point patterns", TPAMI 1991). Mirroring is not allowed. A prediction whose joints all
    coincide lands on the centre of the true joints.

    Args:
        pred: (N, K, 3) predicted joints, metres.
        gt: (N, K, 3) true joints, metres.
        visible: (N, K), all joints if None.

    Returns:
        (N, K, 3) aligned predictions, metres.

    Raises:
        ValueError: shapes differ, or a frame has no visible joint.
    """
    weights = _joint_weights(pred, gt, visible)[..., None]
    pred_centre = np.sum(weights * pred, axis=-2, keepdims=True)
    gt_centre = np.sum(weights * gt, axis=-2, keepdims=True)
    pred, gt = pred - pred_centre, gt - gt_centre

    u, singular, vt = np.linalg.svd(np.swapaxes(weights * pred, -1, -2) @ gt)
    # The weakest axis changes sign where the best orthogonal matrix would be a reflection.
    sign = np.ones_like(singular)
    sign[..., -1] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[..., None, :]) @ vt
    scale = _ratio(np.sum(singular * sign, axis=-1), np.sum(weights * pred**2, axis=(-2, -1)))
    return scale[..., None, None] * (pred @ rotation) + gt_centre


def scale_align(pred: np.ndarray, gt: np.ndarray, visible: np.ndarray | None = None) -> np.ndarray:
    """Scale each predicted pose about the origin so that it fits the truth best (least squares).

    With the root at the origin on both sides, :func:`mpjpe` of the result is N-MPJPE (Rhodin et al., "Unsupervised
    geometry-aware representation for 3D human pose estimation", ECCV 2018).

    Args:
        pred: (N, K, 3) predicted joints, root at the origin, metres.
        gt: (N, K, 3) true joints, root at the origin, metres.
        visible: (N, K), all joints if None.

    Returns:
        (N, K, 3) scaled predictions, metres.

    Raises:
        ValueError: shapes differ, or a frame has no visible joint.
    """
    weights = _joint_weights(pred, gt, visible)[..., None]
    scale = _ratio(np.sum(weights * pred * gt, axis=(-2, -1)), np.sum(weights * pred**2, axis=(-2, -1)))
    return scale[..., None, None] * pred


def difference_error(pred: np.ndarray, gt: np.ndarray, order: int, visible: np.ndarray | None = None) -> np.ndarray:
    """Error of the finite differences in time of one sequence: order 1 is velocity, order 2 acceleration.

    A joint counts where it is visible in all ``order + 1`` frames of a difference.

    Args:
        pred: (N, K, 3) predicted joints of consecutive frames, metres.
        gt: (N, K, 3) true joints, metres.
        order: how often to difference, 1 or 2.
        visible: (N, K), all joints if None.

    Returns:
        (max(N - order, 0),) mean over joints of the distance between the differences, metres per frame ** order.

    Raises:
        ValueError: shapes differ, or no joint is visible throughout one of the differences.
    """
    if visible is not None:
        for _ in range(order):
            visible = visible[1:] & visible[:-1]
    return mpjpe(np.diff(pred, order, axis=0), np.diff(gt, order, axis=0), visible)


def _joint_weights(pred: np.ndarray, gt: np.ndarray, visible: np.ndarray | None) -> np.ndarray:
    """Weights (N, K) of the joints, equal where visible, summing to 1 in each frame; checks the shapes."""
    if visible is None:
        visible = np.ones(gt.shape[:-1], bool)
    if not pred.shape == gt.shape == (*visible.shape, 3):
        raise ValueError(
            'expected poses of one shape (N, K, 3) and visibility (N, K), got '
            f'prediction {pred.shape}, truth {gt.shape}, visibility {visible.shape}'
        )
    count = np.sum(visible, axis=-1, keepdims=True)
    if np.any(count == 0):
        raise ValueError(
            f'expected at least one visible joint in every frame, got none in frame {np.argmin(count)} (counted from 0)'
        )
    return visible / count


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """``numerator / denominator``, 0 where the denominator is 0 (a pose shrunk to a point)."""
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator > 0)
