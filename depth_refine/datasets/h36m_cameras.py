"""Camera files of a data root in MMPose's Human3.6M layout."""

from pathlib import Path

import numpy as np

from depth_refine.utils.errors import InputError
from depth_refine.utils.safe_pickle import PlainUnpickler
from depth_refine.utils.units import CAMERA_POSITION, focal_length, require_unit

HOW_TO_GET = (
    'docs/human36m.md tells how to prepare Human3.6M; tools/make_synthetic.py makes a data root of the same layout'
)
_CAMERA_SHAPES = dict(R=(3, 3), T=(3, 1), f=(2, 1), c=(2, 1), k=(3, 1), p=(2, 1), w=(), h=())


def load_cameras(path: str | Path) -> dict[tuple[str, str], dict]:
    """Read MMPose's ``cameras.pkl`` without running code from it.

    Args:
        path: pickle of a dict from (subject, camera id) to camera, see :mod:`depth_refine.functional.camera`.

    Returns:
        That dict.

    Raises:
        InputError: the file is missing, damaged or holds anything else, or an entry of a camera is missing, misshapen
            or not of a camera.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f'no camera file {path.absolute()}. {HOW_TO_GET}.')
    try:
        with path.open('rb') as file:
            cameras = PlainUnpickler(file).load()
    except Exception as error:  # a damaged pickle can raise anything
        raise InputError(
            f'{path} is not a pickle of plain camera dictionaries ({error}). Write or copy it again.'
        ) from error
    if not isinstance(cameras, dict):
        raise InputError(f'{path}: expected a dict of (subject, camera id) to camera, got {type(cameras).__name__}')
    for key, camera in cameras.items():
        _check(path, key, camera)
    return cameras


def _check(path: Path, key: object, camera: object) -> None:
    """Refuse what is no camera."""
    for name, shape in _CAMERA_SHAPES.items():
        try:
            numbers = np.asarray(camera.get(name) if isinstance(camera, dict) else None)
        except ValueError:  # nested lists of different lengths
            numbers = np.empty(0)
        if numbers.shape != shape or numbers.dtype.kind not in 'fiu' or not np.isfinite(numbers).all():
            raise InputError(f'{path}: camera {key} needs {name!r} of shape {shape}, finite numbers')
    rotation = np.asarray(camera['R'], float)
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
        raise InputError(f"{path}: 'R' of camera {key} is not a rotation: {rotation.tolist()}. Write or copy it again.")
    if min(np.min(camera['f']), camera['w'], camera['h']) <= 0:
        raise InputError(f"{path}: 'f', 'w' and 'h' of camera {key} must be above 0. Write or copy it again.")
    require_unit(f"{path}: 'T' of camera {key}", camera['T'], CAMERA_POSITION)
    require_unit(f"{path}: 'f' of camera {key}", camera['f'], focal_length(float(camera['w'])))
