"""A check by BlazePose, in a few frames, that predictions belong to the video that they are given with."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from depth_refine.data_tools.conversion.video_predictions import Predictions
from depth_refine.utils.errors import InputError

from ..blazepose import BlazePose
from ..blazepose.model_files import are_kept
from ..people.motion_tracker import box_iou
from ..people.person_boxes import Boxes
from ..sources.video_source import Frame
from .pose_distances import boxes_around
from .prediction_faults import Comparison

_FRAMES = 16
_CONFIDENT = 0.5  # score
_SMALLEST = 20.0  # px; the estimator cannot judge smaller boxes


class Estimator(Protocol):
    """The interface of the estimator that checks, such as :class:`BlazePose`."""

    def find_people(self, frame: Frame) -> Boxes:
        """The people of a frame."""

    def __call__(self, people: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[np.ndarray]:
        """Measurements (17, 5) of Human3.6M's joints, for the image and box of each person."""


class PredictionCheck:
    """Compares predictions with another estimator's in 16 frames, spread over the video.

    Args:
        predictions: of the video.
        estimator: the other one; if None, nothing is compared.
    """

    def __init__(self, predictions: Predictions, estimator: Estimator | None) -> None:
        self._estimator, self._comparison = estimator, Comparison(predictions)
        there = np.unique(self._comparison.frames)
        self._chosen = set(there[np.linspace(0, len(there) - 1, _FRAMES).round().astype(int)].tolist())
        self._looked = 0

    def look(self, frame: Frame) -> None:
        """Measure the people in a frame of the video, if it is one of the 16."""
        if self._estimator is None or frame.index not in self._chosen or frame.image is None:
            return
        self._looked += 1
        bboxes = self._estimator.find_people(frame._replace(time=0.0)).bboxes  # at time 0, so that nobody is tracked
        predicted = boxes_around(self._comparison.joints[self._comparison.frames == frame.index])
        predicted = predicted.clip(0, [*frame.image.shape[1::-1]] * 2)
        sides = (predicted[:, 2:] - predicted[:, :2]).min(axis=1)
        if sides.max() >= _SMALLEST and not (box_iou(predicted[sides > 0], bboxes) > 0).any():
            bboxes = np.concatenate([bboxes, predicted[[sides.argmax()]]])  # its detector may have missed a person
        for measured in self._estimator((frame.image, bbox) for bbox in bboxes):
            person = np.where(measured[:, 3:4] >= _CONFIDENT, measured[:, :2].astype(float), np.nan)
            self._comparison.add(frame.index, person)

    def notes(self, size: tuple[int, int], times: np.ndarray) -> list[str]:
        """Sentences on what is probably wrong with the predictions, see :meth:`Comparison.notes`."""
        if self._estimator is None:
            return [
                'The predictions were not compared with the video: BlazePose, which does that, is fetched by the first '
                'run without predictions.'
            ]
        if self._comparison.seen:
            return self._comparison.notes(size, times)
        return [
            f'In {self._looked} frames for which there are predictions BlazePose sees nobody, or too little of their '
            'arms and legs: the predictions could not be compared with the video.'
        ]


def prediction_check(predictions: Predictions) -> PredictionCheck:
    """A check by BlazePose *full* if its files are in the cache folder, otherwise one that compares nothing."""
    try:
        estimator = BlazePose('full') if are_kept('full') else None
    except InputError:  # LiteRT is missing or a file damaged; predictions do not need them
        estimator = None
    return PredictionCheck(predictions, estimator)
