"""Reading of camera files."""

from pathlib import Path

import numpy as np

from depth_refine.structures.intrinsics import OFF_CENTRE, lens_fault, off_centre
from depth_refine.utils.errors import InputError
from depth_refine.utils.safe_pickle import PlainUnpickler
from depth_refine.utils.units import CAMERA_POSITION, PIXELS, focal_length, require_unit

HOW_TO_GET = (
    'docs/human36m.md tells how to prepare Human3.6M, docs/mpi_inf_3dhp.md MPI-INF-3DHP, docs/own_data.md how to '
    'write data of your own; tools/make_synthetic.py makes a data root of the same layout'
)
_SHAPES = dict(w=(), h=(), f=(2, 1), c=(2, 1), k=(3, 1), p=(2, 1), R=(3, 3), T=(3, 1))
_REQUIRED = ('w', 'h')
# keys of other conventions, OpenCV's and VideoPose3D's
_OTHERS = 'K', 'D', 'dist', 'distortion', 'lens', 't', 'rvec', 'tvec', 'focal_length', 'center', 'orientation'


def load_cameras(path: str | Path) -> dict[tuple[str, str] | str, dict]:
    """Read a ``cameras.pkl`` such as MMPose's without running code from it.

    Args:
        path: pickle of a dict from (subject, camera) or from camera alone to a camera dict, see
            :mod:`depth_refine.functional.camera`: ``w`` and ``h`` are needed; ``f`` and ``c`` for what projects;
            ``R`` and ``T`` for world coordinates.

    Returns:
        That dict, its arrays of the shapes given there; ``k`` and ``p`` of a lens without distortion are 0.

    Raises:
        InputError: the file is missing, damaged or holds anything else; or a value of a camera is missing, has a wrong
            shape, or cannot be a camera's.

    Example:
        >>> import pickle
        >>> import tempfile
        >>> from pathlib import Path
        >>> from depth_refine.datasets import load_cameras
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, 'cameras.pkl')
        ...     _ = file.write_bytes(pickle.dumps(dict(left=dict(w=1000, h=1002, f=[1145, 1144], c=[513, 515]))))
        ...     load_cameras(file)['left']['k'].tolist()  # without distortion
        [[0.0], [0.0], [0.0]]
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
        raise InputError(
            f'{path}: expected a dict of (subject, camera) or camera to camera dicts, got {type(cameras).__name__}'
        )
    return {key: _checked(path, key, camera) for key, camera in cameras.items()}


def camera_of(cameras: dict, subject: str, camera: str) -> dict | None:
    """The camera dict of a video: its subject's, or the one that all subjects share; None if there is neither."""
    return cameras.get((subject, camera), cameras.get(camera))


def _checked(path: Path, key: object, camera: object) -> dict:
    """A camera dict with arrays of the right shapes; anything that is not a camera is refused."""
    if not isinstance(camera, dict):
        raise InputError(f'{path}: expected a dict as camera {key}, got {type(camera).__name__}')
    if others := sorted(set(map(str, camera)) & {*_OTHERS}):
        raise InputError(
            f'{path}: camera {key} has {others}, which are not read: expected {list(_SHAPES)}, see docs/data_files.md'
        )
    checked = dict(camera)
    for name, shape in _SHAPES.items():
        if name not in camera and name not in _REQUIRED:
            continue
        try:
            numbers = np.asarray(camera.get(name))
        except ValueError:  # nested lists of different lengths
            numbers = np.empty(0)
        fits = numbers.shape == shape or (len(shape) == 2 and numbers.size == shape[0] * shape[1])
        if not fits or numbers.dtype.kind not in 'fiu' or not np.isfinite(numbers).all():
            expected = f'of shape {shape}, {np.prod(shape)} finite numbers' if shape else 'as a finite number'
            if name in 'kp':
                expected += "; of OpenCV's k1 k2 p1 p2 k3, 'k' has k1 k2 k3 and 'p' has p1 p2 (docs/data_files.md)"
            raise InputError(f'{path}: camera {key} needs {name!r} {expected}')
        checked[name] = camera[name] if shape == () else numbers.reshape(shape)
    if min(camera['w'], camera['h'], np.min(camera.get('f', 1))) <= 0:
        raise InputError(f"{path}: 'f', 'w' and 'h' of camera {key} must be above 0. Write or copy it again.")
    if ('f' in camera) != ('c' in camera):
        raise InputError(f"{path}: camera {key} needs both 'f' and 'c', px, or neither")
    if 'f' in camera:
        checked.setdefault('k', np.zeros((3, 1)))
        checked.setdefault('p', np.zeros((2, 1)))
        require_unit(f"{path}: 'f' of camera {key}", camera['f'], focal_length(max(camera['w'], camera['h'])))
        require_unit(f"{path}: 'c' of camera {key}", camera['c'], PIXELS)
        size = camera['w'], camera['h']
        if off_centre(checked['c'], size) > OFF_CENTRE >= off_centre(checked['c'], size[::-1]):
            raise InputError(
                f"{path}: 'w' and 'h' of camera {key}, {size[0]:g} and {size[1]:g} px, are exchanged: its principal "
                f'point, {np.ravel(camera["c"]).tolist()}, is the middle of frames of {size[1]:g} x {size[0]:g} px'
            )
        if fault := lens_fault(**{name: checked[name] for name in 'fckp'}, size=size):
            raise InputError(f"{path}: the distortion 'k' and 'p' of camera {key} {fault}")
    if 'R' in camera:
        rotation = np.asarray(camera['R'], float)
        if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
            raise InputError(
                f"{path}: 'R' of camera {key} is not a rotation: {rotation.tolist()}. Write or copy it again."
            )
    if 'T' in camera:
        require_unit(f"{path}: 'T' of camera {key}", camera['T'], CAMERA_POSITION)
    return checked
