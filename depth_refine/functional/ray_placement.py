"""Joints on the rays of their pixels: x and y as seen, depth as refined."""

import numpy as np

from .camera import back_project

_CONFIDENT = 0.5  # joints of this score or more are placed where they were seen


def place_on_rays(
    keypoints_3d: np.ndarray, root: np.ndarray, keypoints: np.ndarray, scores: np.ndarray, camera: dict
) -> np.ndarray:
    """Joints moved at constant depth to the rays of the pixels where they were seen.

    Estimators know the pixel of a joint better than its depth, and a refined pose alone does not keep to the pixels. A
    joint whose score is below 0.5 moves by the share score / 0.5 of the way only. A joint stays where the refined pose
    has it if its score is 0, if its score or pixel is not a number, if the lens model has no ray for its pixel, or if
    it is at or behind the camera.

    Args:
        keypoints_3d: (T, K, 3) metres, refined, relative to the root, camera axes.
        root: (T, 3) metres, in the camera frame, see
            :func:`depth_refine.functional.root_trajectory.estimate_root_trajectory`.
        keypoints: (T, K, 2) px, with the distortion of the camera's lens.
        scores: (T, K) confidences of the pixels, 0 or more.
        camera: intrinsics and distortion, see :mod:`depth_refine.functional.camera`.

    Returns:
        (T, K, 3) metres in the camera frame, float64. The root joint is moved as well; subtract it for root-relative
        poses.

    Raises:
        ValueError: shapes do not fit.

    Example:
        >>> import numpy as np
        >>> from depth_refine.functional.ray_placement import place_on_rays
        >>> camera = dict(f=[1000, 1000], c=[500, 500])
        >>> joint, root, score = np.zeros((1, 1, 3)), np.array([[0.0, 0.0, 5.0]]), np.ones((1, 1))
        >>> place_on_rays(joint, root, np.array([[[600.0, 500.0]]]), score, camera).tolist()
        [[[0.5, 0.0, 5.0]]]
    """
    shape = np.shape(scores)
    fits = np.shape(keypoints_3d) == (*shape, 3) and np.shape(keypoints) == (*shape, 2)
    if not fits or len(shape) != 2 or np.shape(root) != (shape[0], 3):
        raise ValueError(
            'expected poses (T, K, 3), roots (T, 3), pixels (T, K, 2) and scores (T, K), got '
            f'{np.shape(keypoints_3d)}, {np.shape(root)}, {np.shape(keypoints)} and {shape}'
        )
    joints = np.asarray(keypoints_3d, np.float64) + np.asarray(root, np.float64)[:, None]
    seen = back_project(keypoints, joints[..., 2], camera)
    share = np.clip(np.nan_to_num(scores) / _CONFIDENT, 0, 1)
    share = np.where(np.isfinite(seen).all(axis=-1) & (joints[..., 2] > 0), share, 0)[..., None]
    return joints + share * np.where(share > 0, seen - joints, 0)
