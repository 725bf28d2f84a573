"""Errors between 3D poses, and the alignments that the evaluation protocols allow before measuring.

Shape key: N frames, K joints. ``visible`` (N, K) is boolean; joints that are not visible count neither in an error nor
in an alignment. Everything is in metres and vectorised over frames.
"""

import numpy as np

_NEWTON_STEPS, _NEWTON_TOLERANCE = 20, 1e-10  # enough for any gap above the smallest: convergence is quadratic
_SMALLEST_GAP = 1e-3


def mpjpe(pred: np.ndarray, gt: np.ndarray, visible: np.ndarray | None = None) -> np.ndarray:
    """Mean per-joint position error of each frame.

    Nothing is aligned here. For Protocol 1 the caller puts the root at the origin on both sides; for the other
    protocols it calls :func:`similarity_align` or :func:`scale_align` first.

    Args:
        pred: (N, K, 3) predicted joints, metres.
        gt: (N, K, 3) true joints in the same frame, metres.
        visible: (N, K), all joints if None.

    Returns:
        (N,) mean Euclidean distance over the visible joints, metres.

    Raises:
        ValueError: shapes differ, or a frame has no visible joint.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.pose_error import mpjpe
        >>> truth = np.zeros((1, 17, 3))
        >>> 1000 * mpjpe(truth + [0.03, 0, 0.04], truth)  # millimetres
        array([50.])
    """
    weights = _joint_weights(pred, gt, visible)
    offset = pred - gt
    return np.sum(weights * np.sqrt(np.einsum('nki,nki->nk', offset, offset)), axis=-1)


def similarity_align(pred: np.ndarray, gt: np.ndarray, visible: np.ndarray | None = None) -> np.ndarray:
    """Predicted poses after the rotation, translation and positive scale that fit each best to the truth.

    Least squares over the visible joints (Umeyama, "Least-squares estimation of transformation parameters between two
    point patterns", TPAMI 1991). Mirroring is not allowed. A prediction whose joints all coincide lands on the centre
    of the true joints.

    Args:
        pred: (N, K, 3) predicted joints, metres.
        gt: (N, K, 3) true joints, metres.
        visible: (N, K), all joints if None.

    Returns:
        (N, K, 3) aligned predictions, metres.

    Raises:
        ValueError: shapes differ, or a frame has no visible joint.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.pose_error import mpjpe, similarity_align
        >>> truth = np.random.default_rng(0).normal(size=(5, 17, 3))
        >>> turned = 2 * truth[..., [2, 0, 1]] + 1  # scaled, rotated and moved
        >>> error = mpjpe(similarity_align(turned, truth), truth)  # Protocol 2
        >>> error.shape, bool(error.max() < 1e-9)
        ((5,), True)
    """
    weights = _joint_weights(pred, gt, visible)
    # frames last: every operation below runs over long contiguous rows, twice as fast
    p, g, w = (np.moveaxis(array, 0, -1).astype(float, order='C') for array in (pred, gt, weights))
    gt_centre = np.einsum('kn,kin->in', w, g)
    p -= np.einsum('kn,kin->in', w, p)
    g -= gt_centre
    weighted = w[:, None] * p
    rotation, trace = _best_rotation(np.einsum('kin,kjn->ijn', g, weighted))
    scale = _ratio(trace, np.einsum('kin,kin->n', weighted, p))
    return np.moveaxis(np.einsum('ijn,kjn->kin', scale * rotation, p) + gt_centre, -1, 0)


def scale_align(pred: np.ndarray, gt: np.ndarray, visible: np.ndarray | None = None) -> np.ndarray:
    """Predicted poses, each scaled about the origin to fit the truth best (least squares).

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

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.pose_error import mpjpe, scale_align
        >>> truth = np.random.default_rng(0).normal(size=(5, 17, 3))
        >>> bool(mpjpe(scale_align(0.9 * truth, truth), truth).max() < 1e-9)  # N-MPJPE
        True
    """
    weights = _joint_weights(pred, gt, visible)[..., None]
    scale = _ratio(np.sum(weights * pred * gt, axis=(-2, -1)), np.sum(weights * pred**2, axis=(-2, -1)))
    return scale[..., None, None] * pred


def difference_error(pred: np.ndarray, gt: np.ndarray, order: int, visible: np.ndarray | None = None) -> np.ndarray:
    """Mean error of a sequence's velocities (order 1) or accelerations (order 2), as finite differences.

    A joint counts where it is visible in all ``order + 1`` frames of a difference.

    Args:
        pred: (N, K, 3) predicted joints of consecutive frames of one sequence, metres.
        gt: (N, K, 3) true joints, metres.
        order: how often to difference, 1 or 2.
        visible: (N, K), all joints if None.

    Returns:
        (max(N - order, 0),) mean over joints of the distance between the differences, metres per frame ** order.

    Raises:
        ValueError: shapes differ, or no joint is visible throughout one of the differences.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.pose_error import difference_error
        >>> truth = np.zeros((3, 17, 3))
        >>> moving = truth + np.array([0, 0.01, 0.02])[:, None, None] * [1, 0, 0]  # 10 mm per frame
        >>> 1000 * difference_error(moving, truth, order=1)  # millimetres per frame
        array([10., 10.])
    """
    if visible is not None:
        for _ in range(order):
            visible = visible[1:] & visible[:-1]
    return mpjpe(np.diff(pred, order, axis=0), np.diff(gt, order, axis=0), visible)


def _best_rotation(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotations R that maximise trace(R^T B), and that trace: orthogonal Procrustes without mirroring.

    The trace is the largest root of a quartic polynomial, found by Newton's method for all frames at once. The rotation
    follows without a decomposition (Markley, "Attitude determination using vector observations: a fast optimal matrix
    algorithm", Journal of the Astronautical Sciences, 1993). Where the best rotation is hardly determined, as for
    joints on a line, a singular value decomposition gives it instead. A decomposition of all frames would be shorter,
    and 8 times as fast as MMPose's loop instead of 20 to 30 times.

    Args:
        correlation: (3, 3, N) matrices B.

    Returns:
        Rotations (3, 3, N) and traces (N,).
    """
    norm = np.sqrt(np.einsum('ijn,ijn->n', correlation, correlation))
    b = correlation / np.where(norm > 0, norm, 1)
    cofactors = np.stack([np.cross(b[(i + 1) % 3], b[(i + 2) % 3], axis=0) for i in range(3)])
    determinant = np.einsum('in,in->n', b[0], cofactors[0])
    constant = 1 - 4 * np.einsum('ijn,ijn->n', cofactors, cofactors)
    trace = np.full_like(norm, np.sqrt(3))  # the largest possible one, that of three equal singular values
    for _ in range(_NEWTON_STEPS):
        square = trace * trace
        slope = 4 * (trace * (square - 1) - 2 * determinant)
        value = square * (square - 2) - 8 * determinant * trace + constant
        step = np.divide(value, slope, out=np.zeros_like(norm), where=slope > 0)
        trace -= step
        if np.max(step, initial=0.0) < _NEWTON_TOLERANCE:
            break
    kappa = (trace * trace - 1) / 2
    gap = kappa * trace - determinant  # the product of the sums of two singular values
    cubed = np.einsum('ikn,kjn->ijn', np.einsum('ikn,jkn->ijn', b, b), b)
    with np.errstate(divide='ignore', invalid='ignore'):
        rotation = ((kappa + 1) * b + trace * cofactors - cubed) / gap

    ambiguous = ~(gap > _SMALLEST_GAP)
    if np.any(ambiguous):
        u, singular, vt = np.linalg.svd(np.moveaxis(b[..., ambiguous], -1, 0))
        # the weakest axis changes sign where the best orthogonal matrix would be a reflection
        sign = np.ones_like(singular)
        sign[:, -1] = np.sign(np.linalg.det(u @ vt))
        rotation[..., ambiguous] = np.moveaxis((u * sign[:, None, :]) @ vt, 0, -1)
        trace[ambiguous] = np.sum(singular * sign, axis=-1)
    return rotation, trace * norm


def _joint_weights(pred: np.ndarray, gt: np.ndarray, visible: np.ndarray | None) -> np.ndarray:
    """Weights (N, K) of the joints, equal where visible, summing to 1 in each frame; checks the shapes."""
    if visible is None:
        visible = np.broadcast_to(True, gt.shape[:-1])
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
    """``numerator / denominator``, 0 where the denominator is 0 (all joints of a pose coincide)."""
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator > 0)
