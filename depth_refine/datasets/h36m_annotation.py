"""Annotations of a data root in MMPose's Human3.6M layout.

An ``h36m_*.npz`` of N frames holds ``imgname`` (N,), image paths relative to the image folder; ``center`` (N, 2) px and
``scale`` (N,), the box; ``part`` (N, 17, 3), px and visibility; ``S`` (N, 17, 4), absolute camera-frame metres and
visibility. Where the image files show a part of each frame only, ``crop`` (N, 4) tells which, x1 y1 x2 y2 px; all else
stays in pixels of the full frame.
"""

import functools
import hashlib
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.structures.skeleton import ROOT
from depth_refine.utils.errors import InputError
from depth_refine.utils.units import FROM_CAMERA, FROM_ROOT, PIXELS, require_unit

from .h36m_cameras import HOW_TO_GET, load_cameras
from .h36m_image_names import index_image_names
from .npz_stream import NpzStream

_NUM_JOINTS = 17
_ROW_SHAPES = dict(imgname=(), center=(2,), scale=(), part=(_NUM_JOINTS, 3), S=(_NUM_JOINTS, 4), crop=(4,))
_REQUIRED = sorted(_ROW_SHAPES.keys() - {'crop'})
_CHECKED_ROWS = 1000


class Sequence(NamedTuple):
    """One video: one subject, action take and camera."""

    name: str  # S1_Directions_1.54138969
    subject: str  # S1
    action: str  # Directions, without the take number
    camera: str  # 54138969
    rows: np.ndarray  # (T,) rows of the annotation in the order of their frame numbers


class H36MAnnotation:
    """An ``h36m_*.npz`` file, checked, with its videos and cameras.

    N frames, 17 joints. Arrays are float32: the rounding at 6 m is 0.5 micrometres. The file is converted as it is
    read, so that no array is ever in memory as it is in the file; only one in Fortran order is.

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
        keypoints_visible: (N, 17) bool, true where the file's number is above 0.
        keypoints_3d: (N, 17, 3) absolute camera-frame metres.
        keypoints_3d_visible: (N, 17) bool, likewise.
        crops: (N, 4) x1 y1 x2 y2 px, whole numbers: the image file shows columns x1 to x2 - 1 and rows y1 to y2 - 1 of
            the frame. None if it shows all of it.

    Raises:
        InputError: a file is missing or damaged, a key is missing or has a wrong shape or type, a number is not finite
            (in float32) or far outside its range, as in other units, a scale is not above 0, an image name is not of
            Human3.6M's form, a crop is empty or not of whole pixels, or a camera is missing.
    """

    def __init__(self, ann_file: str | Path, camera_file: str | Path) -> None:
        self.path = Path(ann_file)
        if not self.path.is_file():
            raise InputError(f'no annotation file {self.path.absolute()}. {HOW_TO_GET}.')
        try:
            self._read(NpzStream(self.path))
        except InputError:
            raise
        except Exception as error:  # whatever zipfile, zlib and numpy raise on damaged bytes
            raise InputError(f'{self.path} is not a readable npz file ({error}). Write or copy it again.') from error
        self._check_boxes()
        self._check_units()
        self._find_sequences()
        cameras = load_cameras(camera_file)
        missing = {(s.subject, s.camera) for s in self.sequences} - cameras.keys()
        if missing:
            raise InputError(f'{camera_file} has no camera {min(missing)}, which {self.path} needs. {HOW_TO_GET}.')
        self.cameras = [cameras[s.subject, s.camera] for s in self.sequences]

    def __len__(self) -> int:
        return len(self.img_names)

    @functools.cached_property
    def sha256(self) -> str:
        """Hash of the npz file: what a depth sequence store belongs to."""
        with self.path.open('rb') as file:
            return hashlib.file_digest(file, 'sha256').hexdigest()

    def _read(self, npz: NpzStream) -> None:
        """Fill the arrays."""
        if missing := set(_REQUIRED) - set(npz.keys):
            raise InputError(
                f'{self.path} lacks the key {min(missing)!r}: expected {_REQUIRED}, got {sorted(npz.keys)}'
            )
        self._check_headers(npz)
        names = (chunk for _, chunk in npz.chunks('imgname'))
        self.img_names = np.concatenate(
            [chunk.copy() if chunk.dtype.kind == 'S' else np.char.encode(chunk, 'utf-8') for chunk in names]
        )
        with ThreadPoolExecutor(2) as pool:  # reading and converting release the interpreter's lock
            joints_3d = pool.submit(self._read_joints, npz, 'S')
            joints_2d = pool.submit(self._read_joints, npz, 'part')
            self.center = self._read_numbers(npz, 'center')
            self.scale = self._read_numbers(npz, 'scale')
            self.crops = self._read_numbers(npz, 'crop') if 'crop' in npz.keys else None
            self.keypoints, self.keypoints_visible = joints_2d.result()
            self.keypoints_3d, self.keypoints_3d_visible = joints_3d.result()

    def _check_headers(self, npz: NpzStream) -> None:
        """Check shapes and types before anything is allocated."""
        headers = {key: npz.header(key) for key in _ROW_SHAPES if key in npz.keys}
        count = math.prod(headers['imgname'].shape)
        if count == 0:
            raise InputError(f'{self.path} holds no frames')
        for key, header in headers.items():
            expected = (count, *_ROW_SHAPES[key])
            if header.shape != expected:
                raise InputError(f'{self.path}: expected {key!r} of shape {expected}, got {header.shape}')
            kinds, what = ('US', 'text') if key == 'imgname' else ('fiu', 'numbers')
            if header.dtype.kind not in kinds:
                raise InputError(f'{self.path}: expected {what} in {key!r}, got {header.dtype}')

    def _read_joints(self, npz: NpzStream, key: str) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates (N, 17, C) and visibility (N, 17) from an array (N, 17, C + 1)."""
        shape = npz.header(key).shape
        coordinates = np.empty((*shape[:2], shape[2] - 1), np.float32)
        visible = np.empty(shape[:2], bool)
        for rows, chunk in self._finite_chunks(npz, key):
            coordinates[rows], visible[rows] = chunk[..., :-1], chunk[..., -1] > 0
        # Human3.6M hides no joint: one number for all takes no memory
        return coordinates, np.broadcast_to(True, visible.shape) if visible.all() else visible

    def _read_numbers(self, npz: NpzStream, key: str) -> np.ndarray:
        """An array, float32."""
        numbers = np.empty(npz.header(key).shape, np.float32)
        for rows, chunk in self._finite_chunks(npz, key):
            numbers[rows] = chunk
        return numbers

    def _finite_chunks(self, npz: NpzStream, key: str) -> Iterator[tuple[slice, np.ndarray]]:
        """Chunks of an array in float32; an error at the end if a number was not finite."""
        bad_rows = []
        for rows, chunk in npz.chunks(key):
            with np.errstate(over='ignore', invalid='ignore'):
                chunk = chunk.astype(np.float32)
            finite = np.isfinite(chunk)
            if not finite.all():
                bad_rows.extend(rows.start + np.flatnonzero(~finite.reshape(len(chunk), -1).all(axis=1)))
            yield rows, chunk
        if bad_rows:
            raise InputError(
                f'{self.path}: {key!r} is not finite in {len(bad_rows)} of {len(self)} rows, first in row '
                f'{bad_rows[0]} ({self._name(bad_rows[0])}). Remove these rows or write the file again.'
            )

    def _name(self, row: int) -> str:
        return self.img_names[row].decode(errors='replace')

    def _check_boxes(self) -> None:
        """Refuse boxes and crops without an area."""
        checks = [("'scale' above 0", self.scale, self.scale > 0)]
        if self.crops is not None:
            good = (self.crops == np.rint(self.crops)).all(axis=1) & (self.crops[:, :2] < self.crops[:, 2:]).all(axis=1)
            checks.append(("whole pixels x1 < x2 and y1 < y2 in 'crop'", self.crops, good))
        for expected, values, good in checks:
            if not good.all():
                row = int(np.argmin(good))
                raise InputError(
                    f'{self.path}: expected {expected}, got {values[row].tolist()} in row {row} ({self._name(row)}). '
                    'Write the file again.'
                )

    def _check_units(self) -> None:
        """Refuse pixels and metres that are none."""
        for key, pixels in (('part', self.keypoints), ('center', self.center)):
            require_unit(f'{self.path}: {key!r}', pixels, PIXELS)
        for start in range(0, len(self), _CHECKED_ROWS):
            joints = self.keypoints_3d[start : start + _CHECKED_ROWS]
            visible = self.keypoints_3d_visible[start : start + _CHECKED_ROWS]
            depths = np.where(visible[:, ROOT], joints[:, ROOT, 2], 1)
            offsets = np.abs(joints - joints[:, [ROOT]]).max(axis=-1) * (visible & visible[:, [ROOT]])
            row, nearest = start + int(offsets.max(axis=1).argmax()), start + int(depths.argmin())
            require_unit(f"{self.path}: 'S' in row {row} ({self._name(row)})", offsets, FROM_ROOT)
            require_unit(f"{self.path}: z of the root in 'S', from row {start} on,", depths, FROM_CAMERA)
            if depths.min() <= 0:
                raise InputError(
                    f"{self.path}: 'S' in row {nearest} ({self._name(nearest)}) has the root {depths.min():.4g} m from "
                    'the camera, expected camera-frame metres, z forward; are these world coordinates?'
                )

    def _find_sequences(self) -> None:
        """Parse the image names and group the rows into videos."""
        try:
            self.frames, self.sequence_ids, names = index_image_names(self.img_names)
        except ValueError as error:
            raise InputError(f'{self.path}, {error}') from error
        order = np.lexsort((self.frames, self.sequence_ids))
        rows = np.split(order, np.cumsum(np.bincount(self.sequence_ids))[:-1])
        self.sequences = [
            Sequence(name.sequence, name.subject, name.action, name.camera, rows_of_one)
            for name, rows_of_one in zip(names, rows, strict=True)
        ]
