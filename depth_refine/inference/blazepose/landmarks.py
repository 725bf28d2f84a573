"""BlazePose's landmark network: the 33 landmarks of one person in the image and in space."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from .model_files import ModelFile
from .networks import Network
from .regions import Region, crop, region_of_body, to_image

_OUTPUTS = dict(landmarks=(1, 195), presence=(1, 1), heatmaps=(1, 64, 64, 39), metres=(1, 117))
_HIPS, _REACH, _COUNT = 33, 34, 35  # landmarks that define the next frame's region; four more are not used
_KERNEL = 7  # side of the window, bins
_CONFIDENT = 0.5

# left and right exchanged: each eye has three landmarks, all others alternate
FLIP_INDICES = np.array([0, 4, 5, 6, 1, 2, 3] + [i + (1 if i % 2 else -1) for i in range(7, 33)])


class Landmarks(NamedTuple):
    """The landmarks of one person."""

    pixels: np.ndarray  # (33, 2) px of the image
    metres: np.ndarray  # (33, 3) from the middle of the hips: x and y along the image's axes, z away from the camera
    visibility: np.ndarray  # (33,) probability of being in the image and not occluded
    presence: float  # probability that there is a person
    region: Region  # around this person


class _Prediction(NamedTuple):
    """The network's output for a crop."""

    points: np.ndarray  # (35, 2) in units of the crop's side
    metres: np.ndarray  # (33, 3)
    visibility: np.ndarray  # (33,)
    presence: float

    def exchange_sides(self) -> '_Prediction':
        points = self.points[[*FLIP_INDICES, _HIPS, _REACH]]
        return self._replace(points=points, metres=self.metres[FLIP_INDICES], visibility=self.visibility[FLIP_INDICES])

    def mirror(self, size: int) -> '_Prediction':
        points = self.points * [-1, 1] + [(size - 1) / size, 0]  # of pixel size - 1 - i instead of i
        return self._replace(points=points, metres=self.metres * [-1, 1, 1]).exchange_sides()


class LandmarkNetwork:
    """Predicts the landmarks of the person in a region.

    Args:
        file: the network.
        flip_test: average with the prediction for the mirrored crop. If the network confuses left and right, it often
            does so in one of the two crops only; so sides are exchanged if that brings the two predictions nearer.
    """

    def __init__(self, file: ModelFile, flip_test: bool = True) -> None:
        self._network = Network(file, _OUTPUTS)
        self._flip_test = flip_test

    def __call__(self, image: np.ndarray, region: Region) -> Landmarks:
        """The landmarks of the person in a region of an image (h, w, 3) uint8 BGR."""
        pixels = crop(image, region, self._network.size)[..., ::-1].astype(np.float32) / 255
        found = self._predict(pixels)
        if self._flip_test:
            found = average(found, self._predict(pixels[:, ::-1]).mirror(self._network.size))
        points, metres = to_image(found.points, region), found.metres.copy()
        metres[:, :2] = metres[:, :2] @ region.rotation.T
        return Landmarks(
            points[:_HIPS], metres, found.visibility, found.presence, region_of_body(points[_HIPS], points[_REACH])
        )

    def _predict(self, pixels: np.ndarray) -> _Prediction:
        found = self._network(pixels)
        landmarks = found['landmarks'].reshape(-1, 5)[:_COUNT].astype(float)
        points = refine(landmarks[:, :2] / self._network.size, found['heatmaps'][..., :_COUNT])
        metres = found['metres'].reshape(-1, 3)[:_HIPS].astype(float)
        return _Prediction(points, metres, expit(landmarks[:_HIPS, 3]), float(found['presence'][0]))


def average(one: _Prediction, other: _Prediction) -> _Prediction:
    """The mean of two predictions for a crop; sides of the second are exchanged if that brings it nearer."""
    exchanged = other.exchange_sides()
    distances = [np.linalg.norm(one.metres - each.metres, axis=1).sum() for each in (other, exchanged)]
    other = other if distances[0] <= distances[1] else exchanged
    return _Prediction(*((a + b) / 2 for a, b in zip(one, other, strict=True)))


def refine(points: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """Points refined to the centroids of their heatmaps' neighbourhoods, where these are confident.

    Args:
        points: (L, 2) x y in units of the crop's side.
        heatmaps: (h, w, L) logits.

    Returns:
        (L, 2). A point moves if it is inside the crop and the 7 x 7 bins around it reach a probability of 0.5. It moves
        to the mean of these bins, bin ``i`` of n at ``i / n``, weighted by their probabilities.
    """
    height, width, count = heatmaps.shape
    bins = np.floor(points * [width, height]).astype(int)
    inside = ((bins >= 0) & (bins < [width, height])).all(axis=1)
    offsets = np.arange(_KERNEL) - _KERNEL // 2
    columns, rows = bins[:, 0, None, None] + offsets, bins[:, 1, None, None] + offsets[:, None]  # (L, 1, 7), (L, 7, 1)
    exists = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    logits = heatmaps[rows.clip(0, height - 1), columns.clip(0, width - 1), np.arange(count)[:, None, None]]
    weights = np.where(exists, expit(logits.astype(float)), 0)
    moved = inside & (weights.max(axis=(1, 2)) >= _CONFIDENT)
    total = np.where(moved, weights.sum(axis=(1, 2)), 1)
    mean = [(weights * at).sum(axis=(1, 2)) / total / n for at, n in ((columns, width), (rows, height))]
    return np.where(moved[:, None], np.stack(mean, axis=1), points)
