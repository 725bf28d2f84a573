"""Annotations of a data root in MMPose's Human3.6M layout.

An ``h36m_*.npz`` of N frames holds ``imgname`` (N,), image paths relative to the image folder; ``center`` (N, 2) px and
``scale`` (N,), the box; ``part`` (N, 17, 3), px and visibility; ``S`` (N, 17, 4), absolute camera-frame metres and
visibility.
"""

import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.errors import InputError
from depth_refine.functional.h36m_names import ImageName, parse_image_name

from .h36m_cameras import HOW_TO_GET, load_cameras

_NUM_JOINTS = 17
_ROW_SHAPES = dict(imgname=(), center=(2,), scale=(), part=(_NUM_JOINTS, 3), S=(_NUM_JOINTS, 4))


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
        ann_file: the npz file, see :mod:`depth_refine.datasets.h36m_annotation`.
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
                f'{camera_file} has no camera {sorted(missing)[0]}, which {self.path} needs. {HOW_TO_GET}.'
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
        found: dict[str, tuple[int, ImageName]] = {}
        self.frames = np.empty(len(self.img_names), np.int32)
        self.sequence_ids = np.empty(len(self.img_names), np.int32)
        for row, img_name in enumerate(self.img_names):
            try:
                name = parse_image_name(img_name.decode())
            except ValueError as error:
                raise InputError(f'{self.path}, row {row}: {error}') from error
            self.sequence_ids[row], _ = found.setdefault(name.sequence, (len(found), name))
            self.frames[row] = name.frame
        order = np.lexsort((self.frames, self.sequence_ids))
        rows = np.split(order, np.cumsum(np.bincount(self.sequence_ids))[:-1])
        self.sequences = [
            Sequence(name.sequence, name.subject, name.action, name.camera, rows[index])
            for index, name in found.values()
        ]


def _load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read and check the arrays of an annotation file."""
    if not path.is_file():
        raise InputError(f'no annotation file {path.absolute()}. {HOW_TO_GET}.')
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
    count = arrays['imgname'].size
    if count == 0:
        raise InputError(f'{path} holds no frames')
    for key, shape in _ROW_SHAPES.items():
        array = arrays[key]
        if array.shape != (count, *shape):
            raise InputError(f'{path}: expected {key!r} of shape {(count, *shape)}, got {array.shape}')
        if key == 'imgname':
            continue
        if array.dtype.kind not in 'fiu':
            raise InputError(f'{path}: expected numbers in {key!r}, got {array.dtype}')
        finite = np.isfinite(array).reshape(count, -1).all(axis=1)
        if not finite.all():
            row = int(np.argmin(finite))
            raise InputError(
                f'{path}: {key!r} is not finite in {count - finite.sum()} of {count} rows, first in row {row} '
                f'({arrays["imgname"][row]}). Remove these rows or write the file again.'
            )
    return arrays
