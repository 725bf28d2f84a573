"""BlazePose's person detector, single-shot: a box for each person, and the points that define the person's region."""

from typing import NamedTuple

import cv2
import numpy as np
from scipy.special import expit

from ..people.motion_tracker import box_iou
from .model_files import ModelFile
from .networks import Network
from .regions import Region, crop, region_of_body, to_image

_LAYERS = ((8, 2), (16, 2), (32, 6))  # stride of the anchors, px of the 224 px input, and anchors at each place
_SCORE = 0.5
_SAME_IOU = 0.3


class Detections(NamedTuple):
    """N detected people, or candidates."""

    bboxes: np.ndarray  # (N, 4) x1 y1 x2 y2, of the head
    points: np.ndarray  # (N, 4, 2) middle of the hips, reach of the body; the same two for the upper body alone
    scores: np.ndarray  # (N,) 0 to 1


def make_anchors(size: int) -> np.ndarray:
    """Centres (A, 2) of the anchors, x y in units of the input's side, row by row, layer by layer."""
    layers = []
    for stride, repeats in _LAYERS:
        count = size // stride
        rows, columns = np.mgrid[:count, :count]
        centers = (np.stack([columns, rows], axis=-1).reshape(-1, 2) + 0.5) / count
        layers.append(np.repeat(centers, repeats, axis=0))
    return np.concatenate(layers)


def decode(boxes: np.ndarray, logits: np.ndarray, anchors: np.ndarray, size: int) -> Detections:
    """The candidates with a score of at least 0.5.

    Args:
        boxes: (A, 12) px of the input: centre, width and height of the box, and four points; centre and points are
            relative to the anchor.
        logits: (A, 1) of the scores.
        anchors: (A, 2), see :func:`make_anchors`.
        size: pixels of a side of the input.

    Returns:
        Boxes and points in units of the input's side.
    """
    scores = expit(logits[:, 0].astype(float))
    kept = scores >= _SCORE
    values, centers = boxes[kept].reshape(-1, 6, 2) / size, anchors[kept]
    middle, half = values[:, 0] + centers, values[:, 1] / 2
    return Detections(np.hstack([middle - half, middle + half]), values[:, 2:] + centers[:, None], scores[kept])


def merge(candidates: Detections) -> Detections:
    """The detections left after weighted non-maximum suppression.

    The best candidate and those that overlap it with an intersection over union above 0.3 become their mean, weighted
    by scores; then the same goes for the rest.

    Returns:
        One detection for each group, with the score of its best candidate, in descending order of scores.
    """
    left = np.argsort(-candidates.scores, kind='stable')
    bboxes, points, scores = [], [], []
    while len(left):
        with np.errstate(invalid='ignore'):  # boxes without area
            is_same = box_iou(candidates.bboxes[left[:1]], candidates.bboxes[left])[0] > _SAME_IOU
        is_same[0] = True
        same = left[is_same]
        weights = candidates.scores[same] / candidates.scores[same].sum()
        bboxes.append(np.tensordot(weights, candidates.bboxes[same], 1))
        points.append(np.tensordot(weights, candidates.points[same], 1))
        scores.append(candidates.scores[left[0]])
        left = left[~is_same]
    return Detections(np.reshape(bboxes, (-1, 4)), np.reshape(points, (-1, 4, 2)), np.array(scores))


class PersonDetector:
    """Detects the people in a region of an image."""

    def __init__(self, file: ModelFile) -> None:
        self._network = Network(file, dict(boxes=(1, 2254, 12), logits=(1, 2254, 1)))
        self._anchors = make_anchors(self._network.size)

    def __call__(self, image: np.ndarray, region: Region) -> list[Region]:
        """The regions of the people in a region of an image (h, w, 3) uint8 BGR, in descending order of scores."""
        size = self._network.size
        pixels = crop(image, region, size, cv2.BORDER_CONSTANT)[..., ::-1].astype(np.float32) / 127.5 - 1
        found = merge(decode(**self._network(pixels), anchors=self._anchors, size=size))
        return [region_of_body(*points[:2]) for points in to_image(found.points, region)]
