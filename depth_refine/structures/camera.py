"""The camera of a video, given or assumed."""

from collections.abc import Iterable, Sequence

import numpy as np

from depth_refine.utils.errors import InputError
from depth_refine.utils.units import focal_length, require_unit

_MOST_CAMERAS = 64  # that are kept of a data set with many

# The mean of Human3.6M's cameras, in widths of its square frames.
H36M_CAMERA = dict(f=[1.147, 1.147], c=[0.5, 0.5], k=[0.0, 0.0, 0.0], p=[0.0, 0.0], aspect=1.0)

# A phone's main camera, 28 mm on film of 36 mm: what is assumed where not even a training tells of cameras.
PHONE_CAMERA = dict(H36M_CAMERA, f=[0.8, 0.8])


def normalised_cameras(cameras: Iterable[dict]) -> list[dict]:
    """The different cameras among those of a data set's videos, in units of the image width: plain numbers.

    Args:
        cameras: as in :mod:`depth_refine.functional.camera`.

    Returns:
        Of each ``f`` (2), ``c`` (2), ``k`` (3), ``p`` (2) and ``aspect``, the image's height; of more than 64, every
        n-th in the order of their focal lengths. Nothing if one of the cameras has no focal length.
    """
    different = {}
    for camera in cameras:
        if 'f' not in camera:
            return []
        width = float(camera['w'])
        entry = {key: tuple((np.ravel(camera[key]) / width).tolist()) for key in 'fc'}
        for key, count in (('k', 3), ('p', 2)):
            entry[key] = tuple(np.ravel(camera.get(key, [0] * count)).astype(float).tolist())
        different[tuple(entry.values()), float(camera['h']) / width] = entry
    ordered = [dict(entry, aspect=aspect) for (_, aspect), entry in sorted(different.items())]
    chosen = ordered[:: -(-len(ordered) // _MOST_CAMERAS)] if ordered else []
    return [{key: list(value) if isinstance(value, tuple) else value for key, value in e.items()} for e in chosen]


def nearest_camera(camera: dict, cameras: list[dict]) -> dict:
    """The one of :func:`normalised_cameras` whose numbers differ least from those of a camera."""
    (own,) = normalised_cameras([camera])
    return min(cameras, key=lambda other: np.sum((_numbers(own) - _numbers(other)) ** 2))


def _numbers(entry: dict) -> np.ndarray:
    return np.array([*entry['f'], *entry['c'], *entry['k'], *entry['p'], entry['aspect']])


def make_camera(
    size: tuple[int, int],
    intrinsics: Sequence[float] | None = None,
    extrinsics: dict | None = None,
    cameras: Sequence[dict] = (H36M_CAMERA,),
) -> tuple[dict, str]:
    """A camera in the form of :mod:`depth_refine.functional.camera`.

    Args:
        size: width and height of the upright frames, px.
        intrinsics: fx, fy, cx, cy, px, and, if the lens distorts, k1, k2, k3, p1, p2; by default assumed.
        extrinsics: ``R`` (3, 3), the rotation from the camera frame to the world frame, and ``T`` (3,), the camera's
            centre in world metres, if the world frame is known.
        cameras: of the training, see :func:`normalised_cameras`: a camera that is not given has their focal length, in
            longer sides of the frame.

    Returns:
        The camera and a sentence on where it comes from.

    Raises:
        InputError: the numbers are not of such a camera.
    """
    width, height = size
    check_camera(intrinsics, extrinsics)
    if intrinsics is None:
        focal_in_sides = float(
            np.median([np.mean(other['f']) / max(1, other['aspect']) for other in cameras or [H36M_CAMERA]])
        )
        focal = focal_in_sides * max(width, height)
        numbers = np.array([focal, focal, width / 2, height / 2])
        source = (
            f'assumed: focal length {focal:.0f} px, {focal_in_sides:.4g} times the longer side, and '
            'no lens distortion. Distances from the camera scale with the focal length.'
        )
    else:
        numbers, source = np.asarray(intrinsics, float), 'given'
        require_unit('fx and fy of the intrinsics', numbers[:2], focal_length(max(width, height)))
        if not ((numbers[2:4] >= 0) & (numbers[2:4] <= size)).all():
            raise InputError(
                f'the principal point of the intrinsics, {numbers[2]:g} {numbers[3]:g} px, lies outside the frames of '
                f'{width} x {height} px: are the intrinsics of another resolution or orientation of the camera?'
            )
    f, c, k, p = np.split(np.pad(numbers, (0, 9 - len(numbers)))[:, None], [2, 4, 7])
    camera = dict(f=f, c=c, k=k, p=p, w=width, h=height)
    if extrinsics is not None:
        camera['R'] = np.array(extrinsics['R'], float).reshape(3, 3)
        camera['T'] = np.array(extrinsics['T'], float).reshape(3, 1)
    return camera, source


def check_camera(intrinsics: Sequence[float] | None, extrinsics: dict | None = None) -> None:
    """Refuse what :func:`make_camera` would (``InputError``) whatever the size of the frames, before long work."""
    if intrinsics is not None:
        numbers = np.asarray(intrinsics, float)
        if numbers.shape not in ((4,), (9,)) or not np.isfinite(numbers).all() or (numbers[:2] <= 0).any():
            raise InputError(
                'expected the intrinsics fx, fy, cx and cy in px, fx and fy above 0, alone or with the distortion k1, '
                f'k2, k3, p1 and p2, got {intrinsics}'
            )
    if extrinsics is None:
        return
    try:
        rotation = np.array(extrinsics['R'], float).reshape(3, 3)
        np.array(extrinsics['T'], float).reshape(3)
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f'expected extrinsics with R (3, 3) and T (3,), got {extrinsics}') from error
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
        raise InputError(f'expected a rotation as R of the extrinsics, got {rotation.tolist()}')
