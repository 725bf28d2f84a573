"""The camera of a video, given or assumed."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from depth_refine.utils.errors import InputError
from depth_refine.utils.units import CAMERA_POSITION, require_unit

from .intrinsics import Intrinsics

_MOST_CAMERAS = 64  # kept of a data set that has more
_WORLD = "camera to world and the camera's place in world metres (of OpenCV's R and t these are R.T and -R.T @ t)"
_UPRIGHT, _STRAIGHT_DOWN = 0.3, 0.9  # world z of the image's up direction, and of the viewing direction downwards
_LYING = "The world's z is not up in the image, and motion files take it for up: is R camera to world, and is z up?"

# The mean of Human3.6M's cameras, in widths of its square frames.
H36M_CAMERA = dict(f=[1.147, 1.147], c=[0.5, 0.5], k=[0.0, 0.0, 0.0], p=[0.0, 0.0], aspect=1.0)

# A phone's main camera, 28 mm on film of 36 mm: assumed where the training data tell nothing of cameras either.
PHONE_CAMERA = dict(H36M_CAMERA, f=[0.8, 0.8])


def normalised_cameras(cameras: Iterable[dict]) -> list[dict]:
    """The distinct cameras of a data set's videos, in units of the image width, as plain numbers.

    Args:
        cameras: as in :mod:`depth_refine.functional.camera`.

    Returns:
        Dicts of ``f`` (2), ``c`` (2), ``k`` (3), ``p`` (2) and ``aspect``, the image's height. Of more than 64 cameras,
        every n-th in the order of their focal lengths. Empty if a camera has no focal length.
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
    """The camera among those of :func:`normalised_cameras` whose numbers are closest to a given camera's."""
    (own,) = normalised_cameras([camera])
    return min(cameras, key=lambda other: np.sum((_numbers(own) - _numbers(other)) ** 2))


def _numbers(entry: dict) -> np.ndarray:
    return np.array([*entry['f'], *entry['c'], *entry['k'], *entry['p'], entry['aspect']])


def make_camera(
    size: tuple[int, int],
    intrinsics: Intrinsics | ArrayLike | None = None,
    extrinsics: dict | None = None,
    cameras: Sequence[dict] = (H36M_CAMERA,),
) -> tuple[dict, str]:
    """A camera in the form of :mod:`depth_refine.functional.camera`, from given or assumed numbers.

    Args:
        size: width and height of the upright frames, px.
        intrinsics: :class:`Intrinsics`; or, for frames of that size without distortion, fx, fy, cx, cy, px, or the
            matrix (3, 3) of these; assumed by default.
        extrinsics: ``R`` (3, 3), the rotation from the camera frame to the world frame, whose z is up, and ``T`` (3,),
            the camera's centre in world metres, if the world frame is known.
        cameras: of the training, see :func:`normalised_cameras`. An assumed camera has the median of their focal
            lengths, relative to the frame's longer side.

    Returns:
        The camera, and sentences on where it comes from.

    Raises:
        InputError: the numbers cannot be those of such a camera.

    Example:
        >>> from depth_refine.structures.camera import make_camera
        >>> camera, source = make_camera((1920, 1080), intrinsics=[1500, 1500, 960, 540])
        >>> camera['f'].tolist(), source
        ([[1500.0], [1500.0]], 'given')
    """
    width, height = size
    intrinsics = check_camera(intrinsics, extrinsics)
    lens = dict(k=np.zeros((3, 1)), p=np.zeros((2, 1)))
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
        (numbers, source), lens = intrinsics.for_frames(size), intrinsics.lens()
    camera = dict(f=numbers[:2, None], c=numbers[2:, None], **lens, w=width, h=height)
    if extrinsics is not None:
        camera['R'] = np.array(extrinsics['R'], float)
        camera['T'] = np.array(extrinsics['T'], float).reshape(3, 1)
        source = f'{source.removesuffix(".")}. {_place(camera)}'
    return camera, source


def check_camera(intrinsics: Intrinsics | ArrayLike | None, extrinsics: dict | None = None) -> Intrinsics | None:
    """Refuse (``InputError``) what :func:`make_camera` would refuse for frames of any size, before long work.

    Returns:
        The intrinsics.
    """
    if not (intrinsics is None or isinstance(intrinsics, Intrinsics)):
        intrinsics = Intrinsics(intrinsics)
    if extrinsics is None:
        return intrinsics
    try:
        rotation, place = (np.array(extrinsics[key], float) for key in 'RT')
        others = sorted(set(extrinsics) - {'R', 'T'})
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise InputError(f'expected extrinsics with R (3, 3) and T (3,), {_WORLD}, got {extrinsics}') from error
    if rotation.shape != (3, 3) or place.shape not in ((3,), (3, 1)) or others:
        raise InputError(f'expected extrinsics with R (3, 3) and T (3,) alone, {_WORLD}, got {extrinsics}')
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
        raise InputError(f'expected a rotation as R of the extrinsics, got {rotation.tolist()}')
    if not np.isfinite(place).all():
        raise InputError(f'expected numbers as T of the extrinsics, got {place.tolist()}')
    require_unit('T of the extrinsics', place, CAMERA_POSITION)
    return intrinsics


def _place(camera: dict) -> str:
    """A camera's place and directions in words, in which extrinsics of another convention are easy to see."""
    _, down, forward = camera['R'].T
    place, forward, up = (
        ' '.join(f'{value + 0.0:.2f}' for value in np.round(np.ravel(values), 2))
        for values in (camera['T'], forward, -down)
    )
    height = float(np.ravel(camera['T'])[2])
    side = 'below' if height < 0 else 'above'
    sentence = (
        f'In the world it is at {place} m, {abs(height):.2f} m {side} z = 0, looks towards {forward}, and up in the '
        f'image is {up}.'
    )
    upright = -down[2] >= _UPRIGHT or camera['R'][2, 2] <= -_STRAIGHT_DOWN
    return sentence if upright else f'{sentence} {_LYING}'
