"""Joints on the rays of their pixels: x and y as seen, depth as refined."""

import numpy as np

from .camera import back_project

_SURE = 0.5  # joints of this score or more are taken to be where they were seen


def place_on_rays(
    keypoints_3d: np.ndarray, root: np.ndarray, keypoints: np.ndarray, scores: np.ndarray, camera: dict
) -> np.ndarray:
    """Move joints, each at its depth, to the rays of the pixels where they were seen.

    What estimators and refiners know least is depth, and what they know best is where a joint is in the picture; a
    refined pose alone does not keep to that. A joint whose score is below 0.5 is moved by the share score / 0.5 of the
    way only: it stays nearer to where the refined pose has it, and one of score 0 stays there. So do joints whose
    pixel or score is not a number or whose pixel is beyond the lens model, and joints at or behind the camera.

    Args:
        keypoints_3d: (T, K, 3) metres, refined, relative to the root, camera axes.
        root: (T, 3) metres, in the camera frame, see
            :func:`depth_refine.functional.root_trajectory.estimate_root_trajectory`.
        keypoints: (T, K, 2) px, with the distortion of the camera's lens.
        scores: (T, K) confidences of the pixels, 0 or more.
        camera: intrinsics and distortion, see :mod:`depth_refine.functional.camera`.

    Returns:
        (T, K, 3) metres in the camera frame, float64. The root joint is moved as well; what is root-relative is the
        difference to it.

    Raises:
        ValueError: shapes do not fit.
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
    share = np.clip(np.nan_to_num(scores) / _SURE, 0, 1)
    share = np.where(np.isfinite(seen).all(axis=-1) & (joints[..., 2] > 0), share, 0)[..., None]
    return joints + share * np.where(share > 0, seen - joints, 0)
