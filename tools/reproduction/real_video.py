"""Refiners on a video of a real person whose joints are known: predictions of an estimator in, errors out.

The clip is an npz of one person before C cameras, T frames, 33 joints of BlazePose and 17 of Human3.6M: ``fps``; ``K``
(C, 3, 3) px and ``distortion`` (C, 5) in OpenCV's order, k1 k2 p1 p2 k3; ``joints_camera`` (C, T, 17, 3), the truth,
camera-frame metres; and of each estimator ``NAME_px`` (C, T, 33, 2) and ``NAME_world`` (C, T, 33, 3), metres from the
middle of the hips, in axes of the ray to the person.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from depth_refine.data_tools.conversion.joint_orders import to_h36m
from depth_refine.functional.pose_error import difference_error, mpjpe, similarity_align
from depth_refine.functional.root_trajectory import estimate_root_trajectory
from depth_refine.inference.resampling import interpolate, uniform_times
from depth_refine.inference.stages import SecondStage

SCORED = [0, 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]  # trunk and head are defined otherwise by every estimator
_FOCAL = 1000.0  # px, of the camera without distortion that the refiner is told of
_ROOT_SMOOTH = 4000.0  # see estimate_root_trajectory
_SMOOTH_SECONDS = 1 / 30  # standard deviation of the filter


class Clip:
    """What an estimator saw of the clip, as rays and poses of Human3.6M's joints.

    Args:
        path: the npz file.
        estimator: its name in the keys.
    """

    def __init__(self, path: Path, estimator: str) -> None:
        with np.load(path) as arrays:
            data = {key: arrays[key] for key in arrays.files}
        self.fps, self.truth = float(data['fps']), data['joints_camera'].astype(float)
        self.rays, self.poses = [], []
        lenses = zip(data['K'], data['distortion'], strict=True)
        for lens, pixels, world in zip(lenses, data[f'{estimator}_px'], data[f'{estimator}_world'], strict=True):
            flat = cv2.undistortPoints(pixels.reshape(-1, 1, 2).astype(float), *lens)
            rays = to_h36m(flat.reshape(pixels.shape), 'mediapipe')
            joints = to_h36m(world.astype(float), 'mediapipe') @ _to_camera(rays[:, 0])
            self.rays.append(rays)
            self.poses.append(joints - joints[:, :1])

    def errors(self, refiner: SecondStage | None, on_rays: bool) -> np.ndarray:
        """(C, 3) MPJPE and P-MPJPE, mm, and the error of acceleration, m/s²; of the estimator itself without a refiner.

        Args:
            refiner: a refiner of rays.
            on_rays: take x and y from the pixels' rays at the refined depth, and smooth.
        """
        rows = []
        for rays, given, truth in zip(self.rays, self.poses, self.truth, strict=True):
            poses = given if refiner is None else self._refined(refiner, rays, given[..., 2:])
            if on_rays:
                poses = gaussian_filter1d(_on_rays(poses, rays), _SMOOTH_SECONDS * self.fps, axis=0, mode='nearest')
            pair = [(joints - joints[:, :1])[:, SCORED] for joints in (poses, truth)]
            aligned = mpjpe(similarity_align(*pair), pair[1])
            acceleration = difference_error(*(joints[:, 1:] for joints in pair), order=2)  # the root's is 0
            rows.append([1e3 * mpjpe(*pair).mean(), 1e3 * aligned.mean(), self.fps**2 * acceleration.mean()])
        return np.array(rows)

    def _refined(self, refiner: SecondStage, rays: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """(T, 17, 3) of a refiner, at the clip's rate."""
        times = np.arange(len(rays)) / self.fps
        at = uniform_times(times, refiner.rate)
        sure = np.ones((*depth.shape[:2], 2))
        inputs = interpolate(np.concatenate([rays * _FOCAL, depth, sure], axis=-1), times, at, smooth=True)
        camera = dict(f=np.full((2, 1), _FOCAL), c=np.zeros((2, 1)), w=_FOCAL, h=_FOCAL)
        return interpolate(refiner(inputs, camera), at, times, smooth=True)


def rows_of_table(clip: Path, refiners: dict[str, list[SecondStage | None]]) -> Iterator[list[str]]:
    """Rows of a table: mean and standard deviation over each row's refiners, one for each seed.

    Args:
        clip: the npz file.
        refiners: by the title of the row; ``[None]`` is the estimator itself.
    """
    clips = {name: Clip(clip, name) for name in ('heavy', 'full')}
    for title, of_seeds in refiners.items():
        cells = []
        for seen in clips.values():
            for on_rays in (False, True):
                means = np.array([seen.errors(refiner, on_rays).mean(axis=0) for refiner in of_seeds])
                spread = f' ± {means[:, 0].std(ddof=1):.1f}' if len(means) > 1 else ''
                first, second, third = means.mean(axis=0)
                cells.append(f'{first:.1f}{spread} / {second:.1f} / {third:.1f}')
        yield [title, *cells]


def _to_camera(rays: np.ndarray) -> np.ndarray:
    """(T, 3, 3): rows are the axes of rays (T, 2), x / z and y / z, in the camera's."""
    forward = np.concatenate([rays, np.ones((len(rays), 1))], axis=1)
    right = np.cross([0.0, 1.0, 0.0], forward)
    forward, right = (axis / np.linalg.norm(axis, axis=1, keepdims=True) for axis in (forward, right))
    return np.stack([right, np.cross(forward, right), forward], axis=1)


def _on_rays(poses: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Poses (T, K, 3) whose depths stay and whose joints are on rays (T, K, 2), where the person fits these best."""
    lens = np.full(2, _FOCAL), np.zeros(2)
    root = estimate_root_trajectory(poses, rays * _FOCAL, *lens, smooth=_ROOT_SMOOTH)
    depth = (poses[..., 2] - poses[:, :1, 2] + root[:, None, 2])[..., None]
    return np.concatenate([rays * depth, depth], axis=-1)
