"""Square, rotated regions of an image, the crops that BlazePose's networks see.

Pixels are OpenCV's, with whole numbers at the centres of pixels. A point of a region is (x, y) in units of its side,
(0, 0) at its upper left corner; pixel ``i`` of an n x n crop shows the point ``i / n``, as the networks were trained.
"""

from typing import NamedTuple

import cv2
import numpy as np

_SCALE = 1.25  # side of a region relative to the diameter of the circle around the body


class Region(NamedTuple):
    """A square of an image."""

    center: np.ndarray  # (2,) px
    side: float  # px
    angle: float = 0.0  # radians, from the image's x axis towards its y axis

    @property
    def rotation(self) -> np.ndarray:
        """Matrix (2, 2) that rotates vectors of the region to those of the image."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cos, -sin], [sin, cos]])


def region_of_body(hips: np.ndarray, reach: np.ndarray) -> Region:
    """The region around a person in which the body is upright.

    Args:
        hips: (2,) px, the middle of the hips, which is the region's centre.
        reach: (2,) px, where the body's axis, from the hips up, meets the circle around the whole body.
    """
    x, y = np.subtract(reach, hips, dtype=float)
    return Region(np.asarray(hips, float), 2 * _SCALE * float(np.hypot(x, y)), float(np.arctan2(x, -y)))


def region_of_box(bbox: np.ndarray) -> Region:
    """The upright square around a box (4,) x1 y1 x2 y2, px."""
    bbox = np.asarray(bbox, float)
    return Region((bbox[:2] + bbox[2:]) / 2, float((bbox[2:] - bbox[:2]).max()))


def squares(size: tuple[int, int], side: float) -> list[Region]:
    """Upright squares that cover an image (width, height) px, neighbours overlapping by half or more."""
    centers = []
    for length in size:
        count = 1 + max(0, int(np.ceil((length - side) / (side / 2))))
        centers.append(np.linspace(side / 2, length - side / 2, count) if count > 1 else [length / 2])
    return [Region(np.array([x, y]), float(side)) for y in centers[1] for x in centers[0]]


def to_image(points: np.ndarray, region: Region) -> np.ndarray:
    """Pixels (..., 2) of the image for points (..., 2) of a region, in units of its side."""
    return region.center + (points - 0.5) * region.side @ region.rotation.T


def crop(image: np.ndarray, region: Region, size: int, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
    """A region cut out of an image by bilinear interpolation.

    Args:
        image: (h, w, 3) uint8.
        region: to cut out.
        size: side of the crop, px.
        border: OpenCV's border mode beyond the image's edges.

    Returns:
        (size, size, 3) uint8.
    """
    affine = np.column_stack([region.rotation * (region.side / size), to_image(np.zeros(2), region)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, affine, (size, size), flags=flags, borderMode=border)
