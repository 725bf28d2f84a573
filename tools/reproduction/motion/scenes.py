"""Refiners on videos of one person whose pose is known: the pipeline of inference, and its errors."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from depth_refine.functional.pose_error import difference_error, mpjpe, similarity_align
from depth_refine.inference.finishing import Finishing
from depth_refine.inference.people.tracking import Observations
from depth_refine.inference.refinement import refine_people
from depth_refine.inference.stages import SecondStage
from depth_refine.structures import Skeleton
from depth_refine.utils.errors import InputError

SCORED = [0, 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]  # estimators differ in their definitions of trunk and head
MEASURES = 'MPJPE', 'P-MPJPE', 'acceleration'  # mm, mm, m/s²


class Scene(NamedTuple):
    """A video of T frames with one person.

    Attributes:
        seen: an estimator's observations of the person in all frames, with depths.
        given: (T, 17, 3) its own poses, root-relative metres, camera axes.
        camera: see :func:`depth_refine.structures.camera.make_camera`.
        truth: (T, 17, 3) metres, camera axes, any origin.
        skeleton: the joints.
    """

    seen: Observations
    given: np.ndarray
    camera: dict
    truth: np.ndarray
    skeleton: Skeleton


class _AsGiven:
    """A substitute for a refiner that gives the estimator's own poses, at the video's times."""

    def __init__(self, scene: Scene) -> None:
        self.skeleton, self.notes, self._poses = scene.skeleton, [], scene.given
        self.rate = (len(scene.seen.times) - 1) / float(np.ptp(scene.seen.times))

    def __call__(self, measurements: np.ndarray, camera: dict) -> np.ndarray:
        return self._poses


def errors(scenes: Iterable[Scene], refiner: SecondStage | None, finish: bool) -> np.ndarray:
    """The :data:`MEASURES` of each scene, (S, 3).

    Args:
        scenes: S videos.
        refiner: refines the estimator's poses, after their exchanged sides are corrected; None takes the estimator's
            own poses.
        finish: finish poses as ``tools/infer_video.py`` does: joints on rays, bones of one length, smooth.
    """
    rows = []
    for scene in scenes:
        second, finishing = refiner or _AsGiven(scene), Finishing() if finish else None
        found = refine_people(
            second, 'scene', scene.seen, (scene.camera, ''), True, refiner is not None, None, finishing
        )
        if len(found.tracks) != 1 or len(found.tracks[0].frames) != len(scene.truth):
            raise InputError('expected one person in all frames of each video')
        rows.append(pose_errors(found.tracks[0].keypoints_3d, scene.truth, scene.seen.times))
    return np.array(rows)


def pose_errors(poses: np.ndarray, truth: np.ndarray, times: np.ndarray) -> Sequence[float]:
    """The :data:`MEASURES` of poses (T, 17, 3), metres, camera axes, any origin; ``times`` (T,) in seconds."""
    pair = [(joints - joints[:, :1])[:, SCORED].astype(float) for joints in (poses, truth)]
    acceleration = difference_error(*(joints[:, 1:] for joints in pair), order=2)  # the root's is 0
    rate = (len(times) - 1) / float(np.ptp(times))
    aligned = mpjpe(similarity_align(*pair), pair[1])
    return 1e3 * mpjpe(*pair).mean(), 1e3 * aligned.mean(), rate**2 * acceleration.mean()
