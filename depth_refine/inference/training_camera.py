"""A video's pixels as other cameras would see them: one without lens distortion, or one of the refiner's training."""

import numpy as np

from depth_refine.functional.camera import pixel_rays, project_rays
from depth_refine.structures.camera import nearest_camera


def undistorted(pixels: np.ndarray, camera: dict) -> np.ndarray:
    """Pixels of the same camera without lens distortion.

    Args:
        pixels: (..., 2) px.
        camera: intrinsics and distortion, see :func:`depth_refine.structures.camera.make_camera`.

    Returns:
        (..., 2) px. Pixels far outside the image, where the lens model has no ray, stay as they are;
        :func:`refine_people` notes how many.
    """
    rays = pixel_rays(pixels.astype(np.float64), camera)
    return (rays * np.ravel(camera['f']) + np.ravel(camera['c'])).astype(pixels.dtype)


def through_training_camera(pixels: np.ndarray, camera: dict, cameras: list[dict]) -> tuple[np.ndarray, dict]:
    """Pixels of the training camera that is nearest to a video's, for the same rays.

    A refiner with the normalisation ``image_width`` has learnt the size of people in the frames of its training.
    Another focal length or aspect ratio changes that size. If the video's camera is one of the training's, only the
    unit of the pixels changes.

    Args:
        pixels: (..., 2) px.
        camera: see :func:`depth_refine.structures.camera.make_camera`.
        cameras: of the training, see :func:`depth_refine.structures.camera.normalised_cameras`; if there are none, only
            the unit of the pixels changes.

    Returns:
        (..., 2) in widths of the training camera's frame, from its top left corner; and a dict of that frame's ``w``
        and ``h`` in the same unit.
    """
    if not cameras:
        return (pixels / camera['w']).astype(pixels.dtype), dict(w=1.0, h=camera['h'] / camera['w'])
    training = nearest_camera(camera, cameras)
    pixels_there = project_rays(pixel_rays(pixels.astype(np.float64), camera), training)
    return pixels_there.astype(pixels.dtype), dict(w=1.0, h=training['aspect'])
