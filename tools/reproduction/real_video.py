"""Scenes of a real person whose joints are known, with predictions of BlazePose.

The clip is an npz of one person before C cameras, T frames, 33 joints of BlazePose and 17 of Human3.6M: ``fps``;
``image_size`` (C, 2) px; ``K`` (C, 3, 3) px and ``distortion`` (C, 5) in OpenCV's order, k1 k2 p1 p2 k3;
``joints_camera`` (C, T, 17, 3), the truth, camera-frame metres; and of each of the models *heavy* and *full*
``NAME_px`` (C, T, 33, 2) and ``NAME_world`` (C, T, 33, 3), metres from the middle of the hips, in axes along the ray to
the person, and optionally ``NAME_visibility`` (C, T, 33).
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from depth_refine.data_tools.conversion.joint_orders import to_h36m
from depth_refine.data_tools.conversion.video_predictions import Predictions
from depth_refine.datasets.npz_stream import load_arrays
from depth_refine.inference.predictions.predicted_people import predicted_people
from depth_refine.structures import H36M
from depth_refine.structures.camera import make_camera
from depth_refine.utils.errors import InputError

from .scenes import Scene

MODELS = 'heavy', 'full'
_ORDER = 'mediapipe'


def scenes_of_clip(path: Path, model: str) -> Iterator[Scene]:
    """A scene for each camera, with the predictions of a model of BlazePose; pixels are undistorted.

    Raises:
        InputError: the file is missing or is not such a clip.
    """
    try:
        data = load_arrays(path)
    except Exception as error:  # a damaged npz file can raise almost anything
        raise InputError(f'{path}: expected an npz file of a clip, got {error!r}') from error
    keys = 'fps', 'image_size', 'K', 'distortion', 'joints_camera', f'{model}_px', f'{model}_world'
    if missing := [key for key in keys if key not in data]:
        raise InputError(f'{path}: the keys {missing} are missing; see tools/reproduction/real_video.py')
    fps, sizes, lenses, distortions, truths, pixels, landmarks = (data[key] for key in keys)
    scores = data.get(f'{model}_visibility', [None] * len(pixels))
    for camera, (size, lens) in enumerate(zip(sizes.tolist(), lenses, strict=True)):
        flat = cv2.undistortPoints(pixels[camera].reshape(-1, 1, 2).astype(float), lens, distortions[camera], P=lens)
        predictions = Predictions(
            flat.reshape(pixels[camera].shape),
            np.arange(len(flat) // pixels.shape[2]),
            _ORDER,
            scores[camera],
            world_landmarks=landmarks[camera],
            depth_unit='m',
            name=f'{path.name}, {model}, camera {camera + 1}',
        )
        view, _ = make_camera(tuple(size), lens[[0, 1, 0, 1], [0, 1, 2, 2]].tolist())
        seen = predicted_people(predictions, tuple(size), fps=float(fps), camera=view)
        given = to_h36m(landmarks[camera].astype(float), _ORDER)
        yield Scene(seen, given - given[:, :1], view, truths[camera].astype(float), H36M)
