"""Annotations and cameras of a data root in MMPose's Human3.6M layout."""

import functools
import hashlib
import pickle
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.errors import InputError

_NUM_JOINTS = 17
_ROW_SHAPES = dict(imgname=(), center=(2,), scale=(), part=(_NUM_JOINTS, 3), S=(_NUM_JOINTS, 4))
_CAMERA_SHAPES = dict(R=(3, 3), T=(3, 1), f=(2, 1), c=(2, 1), k=(3, 1), p=(2, 1), w=(), h=())
# S1_Directions_1.54138969_000001.jpg, S5_SittingDown.54138969_000001.jpg
_IMAGE_NAME = re.compile(r'(?P<sequence>(?P<subject>[^_]+)_(?P<action>.+)\.(?P<camera>[^._]+))_(?P<frame>\d+)\.\w+')
_TAKE_NUMBER = re.compile(r'[ _]\d+$')
_HOW_TO_GET = (
    'docs/human36m.md tells how to prepare Human3.6M; tools/make_synthetic.py makes a data root of the same layout'
)


class Sequence(NamedTuple):
    """One video: one subject, action take and camera."""

    name: str  # S1_Directions_1.54138969
    subject: str  # S1
    action: str  # Directions, without the take number
    camera: str  # 54138969
    rows: np.ndarray  # (T,) rows of the annotation in the order of their frame numbers


class H36MAnnotation:
    """An ``h36m_*.npz`` file, checked, with its videos and cameras.

    N frames, 17 joints. Arrays are float32: the rounding at 6 m is 0.5 micrometres.

    Args:
        ann_file: the npz file, see :mod:`depth_refine.datasets.h36m_annotation` for its keys.
        camera_file: ``cameras.pkl``.

    Attributes:
        path: the npz file.
        img_names: (N,) bytes, image paths relative to the image folder.
        frames: (N,) frame numbers as in the image names, from 1.
        sequence_ids: (N,) index into ``sequences``.
        sequences: the videos in the order of their first rows.
        cameras: one camera dict for each sequence.
        center, scale: (N, 2) px and (N,), the box: its side is 200 * scale px.
        keypoints: (N, 17, 2) px, lens distortion included.
        keypoints_visible: (N, 17).
        keypoints_3d: (N, 17, 3) absolute camera-frame metres.
        keypoints_3d_visible: (N, 17).

    Raises:
        InputError: a file is missing or damaged, a key is missing or has a wrong shape, a number is not finite, an
            image name is not of Human3.6M's form, or a camera is missing.
    """

    def __init__(self, ann_file: str | Path, camera_file: str | Path) -> None:
        self.path = Path(ann_file)
        arrays = _load_arrays(self.path)
        self.img_names = np.char.encode(arrays['imgname'].astype(str), 'utf-8')
        self.center = arrays['center'].astype(np.float32)
        self.scale = arrays['scale'].astype(np.float32)
        self.keypoints = arrays['part'][..., :2].astype(np.float32)
        self.keypoints_visible = arrays['part'][..., 2].astype(np.float32)
        self.keypoints_3d = arrays['S'][..., :3].astype(np.float32)
        self.keypoints_3d_visible = arrays['S'][..., 3].astype(np.float32)
        self._find_sequences()
        cameras = load_cameras(camera_file)
        missing = {(s.subject, s.camera) for s in self.sequences} - cameras.keys()
        if missing:
            raise InputError(
                f'{camera_file} has no camera {sorted(missing)[0]}, which {self.path} needs. {_HOW_TO_GET}.'
            )
        self.cameras = [cameras[s.subject, s.camera] for s in self.sequences]

    def __len__(self) -> int:
        return len(self.frames)

    @functools.cached_property
    def sha256(self) -> str:
        """Hash of the npz file: what a depth sequence store belongs to."""
        with self.path.open('rb') as file:
            return hashlib.file_digest(file, 'sha256').hexdigest()

    def _find_sequences(self) -> None:
        """Parse the image names and group the rows into videos."""
        found: dict[str, tuple[int, re.Match]] = {}
        self.frames = np.empty(len(self.img_names), np.int32)
        self.sequence_ids = np.empty(len(self.img_names), np.int32)
        for row, name in enumerate(self.img_names):
            match = _IMAGE_NAME.fullmatch(name.decode().rsplit('/', 1)[-1])
            if match is None:
                raise InputError(
                    f'{self.path}: the image name {name.decode()!r} in row {row} is not of the form '
                    'S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg'
                )
            index, _ = found.setdefault(match['sequence'], (len(found), match))
            self.sequence_ids[row] = index
            self.frames[row] = int(match['frame'])
        order = np.lexsort((self.frames, self.sequence_ids))
        rows = np.split(order, np.cumsum(np.bincount(self.sequence_ids))[:-1])
        self.sequences = [
            Sequence(name, match['subject'], _TAKE_NUMBER.sub('', match['action']), match['camera'], rows[index])
            for name, (index, match) in found.items()
        ]


def _load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read and check the arrays of an annotation file."""
    if not path.is_file():
        raise InputError(f'no annotation file {path.absolute()}. {_HOW_TO_GET}.')
    try:
        with np.load(path, allow_pickle=False) as npz:
            missing = _ROW_SHAPES.keys() - set(npz.files)
            if missing:
                raise InputError(
                    f'{path} lacks the key {sorted(missing)[0]!r}: expected {sorted(_ROW_SHAPES)}, '
                    f'got {sorted(npz.files)}'
                )
            arrays = {key: npz[key] for key in _ROW_SHAPES}
    except InputError:
        raise
    except Exception as error:  # whatever zipfile, zlib and numpy raise on damaged bytes
        raise InputError(f'{path} is not a readable npz file ({error}). Write or copy it again.') from error
    count = len(arrays['imgname'])
    if count == 0:
        raise InputError(f'{path} holds no frames')
    for key, shape in _ROW_SHAPES.items():
        array = arrays[key]
        if array.shape != (count, *shape):
            raise InputError(f'{path}: expected {key!r} of shape {(count, *shape)}, got {array.shape}')
        if key == 'imgname':
            continue
        finite = np.isfinite(array).reshape(count, -1).all(axis=1)
        if not finite.all():
            row = int(np.argmin(finite))
            raise InputError(
                f'{path}: {key!r} is not finite in {count - finite.sum()} of {count} rows, first in row {row} '
                f'({arrays["imgname"][row]}). Remove these rows or write the file again.'
            )
    return arrays


class _CameraUnpickler(pickle.Unpickler):
    """Unpickles NumPy arrays and plain containers only; a pickle from a stranger could run any code."""

    ALLOWED = {
        ('numpy', 'ndarray'),
        ('numpy', 'dtype'),
        ('_codecs', 'encode'),
        *((f'numpy.{core}.multiarray', name) for core in ('core', '_core') for name in ('_reconstruct', 'scalar')),
        *((f'numpy.{core}.numeric', '_frombuffer') for core in ('core', '_core')),
    }

    def find_class(self, module: str, name: str):
        """Refuse everything but the pieces of a NumPy array."""
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f'refused to load {module}.{name}')
        return super().find_class(module, name)


def load_cameras(path: str | Path) -> dict[tuple[str, str], dict]:
    """Read MMPose's ``cameras.pkl`` without running code from it.

    Args:
        path: pickle of a dict from (subject, camera id) to camera, see :mod:`depth_refine.functional.camera`.

    Returns:
        That dict.

    Raises:
        InputError: the file is missing, damaged or holds anything else, or a camera's entry is missing or misshapen.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f'no camera file {path.absolute()}. {_HOW_TO_GET}.')
    try:
        with path.open('rb') as file:
            cameras = _CameraUnpickler(file, encoding='latin1').load()
    except Exception as error:  # a damaged pickle can raise anything
        raise InputError(
            f'{path} is not a pickle of plain camera dictionaries ({error}). Write or copy it again.'
        ) from error
    if not isinstance(cameras, dict):
        raise InputError(f'{path}: expected a dict of (subject, camera id) to camera, got {type(cameras).__name__}')
    for key, camera in cameras.items():
        for name, shape in _CAMERA_SHAPES.items():
            if not isinstance(camera, dict) or np.shape(camera.get(name)) != shape or camera.get(name) is None:
                raise InputError(f'{path}: camera {key} needs {name!r} of shape {shape}')
    return cameras
