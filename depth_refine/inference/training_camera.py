"""A video's pixels as other cameras would see them: without lens distortion, and that of the refiner's training."""

import numpy as np

from depth_refine.functional.camera import back_project
from depth_refine.structures.camera import TRAINING_FOCAL


def undistorted(pixels: np.ndarray, camera: dict) -> np.ndarray:
    """What a camera with the same focal lengths and principal point, but without lens distortion, would see.

    Takes and gives (..., 2) px. Pixels far outside the image, where the model of the distortion ends, stay as they are.
    """
    rays = back_project(pixels, np.ones(pixels.shape[:-1]), camera)[..., :2]
    ideal = rays * np.ravel(camera['f']) + np.ravel(camera['c'])
    return np.where(np.isfinite(ideal), ideal, pixels).astype(pixels.dtype)


def through_training_camera(pixels: np.ndarray, camera: dict) -> np.ndarray:
    """What a camera like Human3.6M's would see: the same rays, on a frame one unit wide and high.

    A refiner knows how large people are in the frames of its training; by another focal length or in another shape of
    frame they are larger or smaller.

    Args:
        pixels: (..., 2) px.
        camera: see :func:`depth_refine.structures.camera.make_camera`.

    Returns:
        (..., 2) in widths of the frame, from its top left corner.
    """
    rays = (undistorted(pixels, camera) - np.ravel(camera['c'])) / np.ravel(camera['f'])
    return (rays * TRAINING_FOCAL + 0.5).astype(pixels.dtype)
