"""First hits of camera rays with round cones; the one geometric primitive of people and chairs."""

import numpy as np

from depth_refine.synthetic.body import Limbs


def first_hits(limbs: Limbs, rays: np.ndarray, behind: np.ndarray, boxes: np.ndarray) -> tuple:
    """The first surface that every ray meets.

    Args:
        limbs: one frame's, camera frame.
        rays: (3, h, w) unit vectors.
        behind: (h, w) metres along the ray to the scene.
        boxes: (P, 4) px x0, y0, x1, y1 (exclusive) around each limb.

    Returns:
        (h, w) each: metres along the ray, index of the limb (-1: the scene), and place along the limb, 0 to 1.
    """
    depth = behind.copy()
    limb = np.full(depth.shape, -1, np.int16)
    place = np.zeros(depth.shape, np.float32)
    cones = zip(limbs.start, limbs.end, limbs.radii, limbs.flatness.tolist(), limbs.front, strict=True)
    for index, ((x0, y0, x1, y1), cone) in enumerate(zip(boxes.tolist(), cones, strict=True)):
        patch = np.s_[y0:y1, x0:x1]
        distance, s = cast_round_cone(rays[(slice(None), *patch)], *cone)
        nearer = distance < depth[patch]
        for array, values in ((depth, distance), (limb, index), (place, s)):
            np.copyto(array[patch], values, where=nearer, casting='unsafe')
    return depth, limb, place


def cast_round_cone(
    rays: np.ndarray, start: np.ndarray, end: np.ndarray, radii: np.ndarray, flatness: float, front: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distance to a round cone along every ray.

    The surface is the envelope of the spheres with centre ``c(s) = start + s (end - start)`` and radius linear in
    ``s``, 0 <= s <= 1. A point on it minimises ``|x - c(s)|^2 - r(s)^2`` over s, where it is zero: eliminating s gives
    a quadratic in the distance, whose root says which sphere the ray touches; that sphere, with s brought into
    [0, 1], is then hit exactly. Flattened cones are round ones in a stretched space.

    Args:
        rays: (3, ...) unit vectors from the camera, camera frame.
        start: (3,) metres.
        end: (3,) metres.
        radii: (2,) metres at the start and the end.
        flatness: thickness along ``front`` over that across it.
        front: (3,) unit vector.

    Returns:
        Metres along the ray (inf where it misses) and s of the sphere that is hit, (...) each.
    """
    squared = 1.0
    if flatness != 1:
        stretch = 1 / flatness - 1
        shift = stretch * _dot(front, rays)
        rays = np.stack([ray + float(part) * shift for ray, part in zip(rays, front, strict=True)])
        start, end = (point + stretch * (front @ point) * front for point in (start, end))
        squared = rays[0] * rays[0] + rays[1] * rays[1] + rays[2] * rays[2]
    # Python floats keep the arithmetic on the arrays in single precision.
    axis = (end - start).astype(np.float64)
    first, growth = float(radii[0]), float(radii[1] - radii[0])
    length2, start2, offset = float(axis @ axis), float(start @ start), float(start @ axis)
    span = length2 - growth * growth
    slope = first * growth - offset
    to_start, along = _dot(start, rays), _dot(axis, rays)
    if span > 1e-6:
        a = squared - along * along / span
        b = to_start + along * (slope / span)
        c = start2 - first * first - slope * slope / span
        distance = c / np.maximum(b + np.sqrt(np.maximum(b * b - a * c, 0)), 1e-9)
        s = np.clip((distance * along + slope) / span, 0, 1)
    else:  # the larger end's sphere holds the other's
        s = np.full_like(to_start, growth > 0)
    middle = to_start + s * along
    outside = start2 - first * first + s * (s * span - 2 * slope)
    discriminant = middle * middle - squared * outside
    distance = (middle - np.sqrt(np.maximum(discriminant, 0))) / squared
    return np.where((discriminant > 0) & (distance > 0), distance, np.float32(np.inf)), s


def _dot(vector: np.ndarray, rays: np.ndarray) -> np.ndarray:
    x, y, z = (float(value) for value in vector)
    return x * rays[0] + y * rays[1] + z * rays[2]
