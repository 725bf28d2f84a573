"""A real person whose joints are known: scenes with predictions of BlazePose, and errors of poses of the videos.

The clip is an npz of one person before C cameras, T frames, 33 joints of BlazePose and 17 of Human3.6M: ``fps``;
``image_size`` (C, 2) px; ``K`` (C, 3, 3) px and ``distortion`` (C, 5) in OpenCV's order, k1 k2 p1 p2 k3;
``joints_camera`` (C, T, 17, 3), the truth, camera-frame metres; and of each of the models *heavy* and *full*
``NAME_px`` (C, T, 33, 2) and ``NAME_world`` (C, T, 33, 3), metres from the middle of the hips, in axes along the ray to
the person, and optionally ``NAME_visibility`` (C, T, 33). Poses need the truth alone.
"""

from collections.abc import Iterator, Mapping
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
from depth_refine.utils.units import FROM_CAMERA, FROM_ROOT, require_unit

from .scenes import SCORED, Scene, pose_errors

MODELS = 'heavy', 'full'
_ORDER = 'mediapipe'
_FORMAT = 'see docs/data_files.md'
_TRUTH = 'fps', 'image_size', 'K', 'distortion', 'joints_camera'
_SCORED_KEYS = {'first stage': 'root_relative_first_stage_m', 'poses': 'root_relative_m'}
_OF_POSES = 'fps', 'frame', 'image_size_px', 'joint_names', 'keypoints_px', 'root_relative_m'
_SAME_RATE = 0.01
_SAME_CAMERA = 0.08  # of the person's size: estimators are 0.02 off the truth, and those of other cameras 0.14 and more


def scenes_of_clip(path: Path, model: str) -> Iterator[Scene]:
    """A scene for each camera, with the predictions of a model of BlazePose; pixels are undistorted.

    Raises:
        InputError: the file is missing or is not such a clip.
    """
    keys = *_TRUTH, f'{model}_px', f'{model}_world'
    data = _clip(path, keys)
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


def errors_of_poses(path: Path, files: Mapping[int, Path]) -> dict[str, np.ndarray]:
    """Errors of the poses of a clip's videos, and of the estimator's own landmarks, frame by frame.

    Args:
        path: of the clip; models of BlazePose that it lacks are left out.
        files: ``poses.npz`` of ``tools/infer_video.py``, by the number of the camera in the clip, from 1.

    Returns:
        By what is scored the :data:`MEASURES` of each file, (S, 3); NaN where a file has no depths of a first stage.

    Raises:
        InputError: a file is missing, or is not a clip or poses of such a camera.
    """
    data, errors = _clip(path, _TRUTH), {}
    for camera, file in files.items():
        truth, arrays = _truth(path, camera, data), _poses(file, camera, data)
        scored = {
            f'BlazePose {model}, its own landmarks': to_h36m(data[f'{model}_world'][camera - 1], _ORDER)
            for model in MODELS
            if f'{model}_world' in data
        }
        scored |= {name: arrays.get(key) for name, key in _SCORED_KEYS.items()}
        times = np.arange(len(truth)) / data['fps']
        for name, poses in scored.items():
            found = [np.nan] * 3 if poses is None else pose_errors(poses, truth, times)
            errors.setdefault(name, []).append(found)
    return {name: np.array(rows) for name, rows in errors.items()}


def truth_of_poses(path: Path, camera: int, file: Path) -> np.ndarray:
    """The truth (T, 17, 3), metres, camera frame, of a ``poses.npz``; arguments and errors are those of
    :func:`errors_of_poses`.
    """
    data = _clip(path, _TRUTH)
    truth = _truth(path, camera, data)
    _poses(file, camera, data)
    return truth


def _truth(path: Path, camera: int, clip: Mapping[str, np.ndarray]) -> np.ndarray:
    if not 1 <= camera <= len(clip['joints_camera']):
        raise InputError(f'{path} has cameras 1 to {len(clip["joints_camera"])}, got {camera}')
    return clip['joints_camera'][camera - 1]


def _arrays(path: Path, what: str, keys: tuple[str, ...], advice: str) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise InputError(f'no file {path}: expected an npz file of {what}, {advice}')
    try:
        data = load_arrays(path)
    except Exception as error:  # a damaged npz file can raise almost anything
        raise InputError(f'{path}: expected an npz file of {what}, got {error!r}') from error
    if missing := [key for key in keys if key not in data]:
        raise InputError(f'{path}: the keys {missing} are missing; {advice}')
    return data


def _clip(path: Path, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The arrays of a clip with these keys, in the documented shapes and units."""
    data = _arrays(path, 'a clip', keys, _FORMAT)
    cameras, frames = (*data['joints_camera'].shape, 0, 0)[:2]
    shapes = dict(joints_camera=(cameras, frames, 17, 3), fps=(), image_size=(cameras, 2))
    shapes |= dict(K=(cameras, 3, 3), distortion=(cameras, 5))
    for model in MODELS:
        shapes |= {f'{model}_{key}': (cameras, frames, 33, n) for key, n in (('px', 2), ('world', 3))}
        shapes[f'{model}_visibility'] = (cameras, frames, 33)
    for key, shape in shapes.items():
        if key in data and data[key].shape != shape:
            raise InputError(f'{path}: expected {key} of shape {shape}, got {data[key].shape}; {_FORMAT}')
    require_unit(f'{path}: joints_camera', data['joints_camera'], FROM_CAMERA)
    for model in MODELS:
        if (key := f'{model}_world') in data:
            require_unit(f'{path}: {key}', data[key], FROM_ROOT)
    return data


def _poses(path: Path, camera: int, clip: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of one person's poses, who is seen in all frames of a camera of the clip where the truth is."""
    data = _arrays(path, 'poses', _OF_POSES, 'give the poses.npz of tools/infer_video.py')
    truth, size, fps = clip['joints_camera'][camera - 1], clip['image_size'][camera - 1], clip['fps']
    if data['joint_names'].tolist() != list(H36M.joint_names):
        raise InputError(f"{path}: expected Human3.6M's joints, got {data['joint_names'].tolist()}")
    if not np.array_equal(data['frame'], np.arange(len(truth))):
        raise InputError(
            f'{path}: expected one person in all {len(truth)} frames, got {len(data["frame"])} poses; '
            '--boxes of tools/infer_video.py can say where the person is'
        )
    if not np.array_equal(data['image_size_px'], size) or abs(data['fps'] / fps - 1) > _SAME_RATE:
        (w, h), (width, height) = data['image_size_px'], size
        raise InputError(
            f'{path}: expected poses of camera {camera}, {width} x {height} px at {fps:g} frames a second, got '
            f'{w} x {h} px at {data["fps"]:g}'
        )
    lens, distortion, points = clip['K'][camera - 1], clip['distortion'][camera - 1], truth[:, SCORED].astype(float)
    expected = cv2.projectPoints(points.reshape(-1, 3), np.zeros(3), np.zeros(3), lens, distortion)[0]
    expected = expected.reshape(*points.shape[:2], 2)
    apart = np.linalg.norm(data['keypoints_px'][:, SCORED] - expected, axis=-1).mean(axis=1)
    share = np.median(apart / np.ptp(expected, axis=1).max(axis=-1))
    if share > _SAME_CAMERA:
        raise InputError(
            f'{path}: joints are {np.median(apart):.0f} px from those of camera {camera}, {100 * share:.0f} % of the '
            "person's size: are they of another camera or clip?"
        )
    return data
