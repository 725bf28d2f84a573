"""A video's pixels as other cameras would see them: without lens distortion, and those of the refiner's training."""

import numpy as np

from depth_refine.functional.camera import pixel_rays, project_rays
from depth_refine.structures.camera import nearest_camera


def undistorted(pixels: np.ndarray, camera: dict) -> np.ndarray:
    """What a camera with the same focal lengths and principal point, but without lens distortion, would see.

    Takes and gives (..., 2) px. Pixels far outside the image, where the model of the distortion ends, stay as they
    are; :func:`refine_people` notes how many.
    """
    rays = pixel_rays(pixels.astype(np.float64), camera)
    return (rays * np.ravel(camera['f']) + np.ravel(camera['c'])).astype(pixels.dtype)


def through_training_camera(pixels: np.ndarray, camera: dict, cameras: list[dict]) -> tuple[np.ndarray, dict]:
    """What a camera of the training would see: the same rays, through the one whose numbers are nearest.

    A refiner of the normalisation ``image_width`` knows how large people are in the frames of its training; by another
    focal length or in another shape of frame they are larger or smaller. Through a camera of the training pixels stay
    as they are, but for their unit.

    Args:
        pixels: (..., 2) px.
        camera: see :func:`depth_refine.structures.camera.make_camera`.
        cameras: of the training, see :func:`depth_refine.structures.camera.normalised_cameras`; if they are not known,
            pixels stay as they are.

    Returns:
        (..., 2) in widths of the training camera's frame, from its top left corner, and that frame's ``w`` and ``h``.
    """
    if not cameras:
        return (pixels / camera['w']).astype(pixels.dtype), dict(w=1.0, h=camera['h'] / camera['w'])
    training = nearest_camera(camera, cameras)
    pixels_there = project_rays(pixel_rays(pixels.astype(np.float64), camera), training)
    return pixels_there.astype(pixels.dtype), dict(w=1.0, h=training['aspect'])
