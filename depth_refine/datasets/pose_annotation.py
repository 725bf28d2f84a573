"""Annotations: 2D and 3D joints, boxes and cameras of every frame of a data set's videos.

An annotation npz of N frames with K joints holds ``imgname`` (N,), image paths relative to the image folder; ``center``
(N, 2) px and ``scale`` (N,), the box; ``part`` (N, K, 3), px and visibility; ``S`` (N, K, 4), absolute camera-frame
metres and visibility, as MMPose's Human3.6M files do. It may also hold

- ``sequence``, ``camera``, ``subject``, ``action`` (N,), texts, and ``frame`` (N,), whole numbers. A video is what has
  one ``sequence`` and one ``camera``. Without ``sequence`` all of them are read from the image names, which are then of
  Human3.6M's form; with it, ``frame`` is needed, and the others are empty by default.
- ``frame_rate``, () or (N,), frames a second, the same for all. Without it the rate is that in the name of a folder
  above, such as ``fps50`` or ``fps16.667``, or not known.
- ``crop`` (N, 4), x1 y1 x2 y2 px, the part of the frame that an image file shows, where it shows less than the frame;
  all else stays in pixels of the full frame.
"""

import functools
import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.errors import InputError
from depth_refine.utils.units import FROM_CAMERA, FROM_ROOT, PIXELS, require_unit

from .camera_file import HOW_TO_GET, camera_of, load_cameras
from .frame_rate import read_frame_rate
from .joint_checks import require_boxes, require_projection
from .npz_stream import NpzStream
from .videos_of_rows import index_columns, index_image_names

_TEXTS = ('sequence', 'camera', 'subject', 'action')
_REQUIRED = ('S', 'center', 'imgname', 'part', 'scale')
_CHECKED_ROWS = 1000


class Sequence(NamedTuple):
    """One video: one take of one subject, seen by one camera."""

    name: str  # S1_Directions_1.54138969
    subject: str  # S1
    action: str  # Directions, without the take number; '' if there is none, None if each frame has its own
    camera: str  # 54138969
    rows: np.ndarray  # (T,) rows of the annotation in the order of their frame numbers


class PoseAnnotation:
    """An annotation npz, checked, with its videos and cameras.

    N frames, K joints. Arrays are float32, which rounds 6 m to 0.5 micrometres. They are converted while they are read,
    so that none is in memory in the file's type, except one in Fortran order.

    Args:
        ann_file: the npz file, see :mod:`depth_refine.datasets.pose_annotation`.
        camera_file: ``cameras.pkl``, see :func:`load_cameras`.
        skeleton: of its K joints.

    Attributes:
        path: the npz file.
        img_names: (N,) bytes, image paths relative to the image folder, with slashes.
        frames: (N,) frame numbers.
        frame_rate: frames a second, None if it is not known.
        sequence_ids: (N,) index into ``sequences``.
        sequences: the videos in the order of their first rows.
        actions: (N,) of each frame where a video has several, else None.
        cameras: one camera dict for each sequence.
        center, scale: (N, 2) px and (N,), the box: its side is 200 * scale px.
        keypoints: (N, K, 2) px, lens distortion included.
        keypoints_visible: (N, K) bool, true where the file's number is above 0.
        keypoints_3d: (N, K, 3) absolute camera-frame metres.
        keypoints_3d_visible: (N, K) bool, likewise.
        crops: (N, 4) x1 y1 x2 y2 px, whole numbers: the image file shows columns x1 to x2 - 1 and rows y1 to y2 - 1 of
            the frame. None if it shows all of it.

    Raises:
        InputError: a file is missing or damaged; a key is missing, has a wrong shape or type, or another number of
            joints than the skeleton; a number is not finite (in float32) or far outside its range, as in other units; a
            scale or the frame rate is not above 0, or the frame rate contradicts the folder's; an image name does not
            have Human3.6M's form where it must; a crop is empty or not of whole pixels; a camera is missing, or does
            not project the 3D joints to the 2D joints.

    Example:
        >>> import tempfile
        >>> from depth_refine.datasets import PoseAnnotation
        >>> from depth_refine.structures import H36M
        >>> from depth_refine.synthetic import make_synthetic
        >>> few = dict(frames=1, image_size=32, workers=1, subjects=['S1', 'S9'], activities=['Walking'])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data = make_synthetic(f'{folder}/data', **few) / 'annotation_body3d'
        ...     annotation = PoseAnnotation(data / 'fps50/h36m_train.npz', data / 'cameras.pkl', H36M)
        >>> annotation.keypoints_3d.shape, annotation.frame_rate, annotation.sequences[0].name
        ((4, 17, 3), 50.0, 'S1_Walking_1.54138969')
    """

    def __init__(self, ann_file: str | Path, camera_file: str | Path, skeleton: Skeleton) -> None:
        self.path, self.skeleton = Path(ann_file), skeleton
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
        self.cameras = [camera_of(cameras, sequence.subject, sequence.camera) for sequence in self.sequences]
        if None in self.cameras:
            missing = self.sequences[self.cameras.index(None)]
            raise InputError(
                f'{camera_file} has no camera {(missing.subject, missing.camera)}, which {missing.name} of {self.path} '
                f'needs. {HOW_TO_GET}.'
            )
        require_boxes(self)
        require_projection(self)

    def __len__(self) -> int:
        return len(self.img_names)

    @functools.cached_property
    def sha256(self) -> str:
        """SHA-256 of the npz file, by which a depth sequence store names its annotation."""
        with self.path.open('rb') as file:
            return hashlib.file_digest(file, 'sha256').hexdigest()

    def _read(self, npz: NpzStream) -> None:
        """Fill the arrays."""
        required = [*_REQUIRED, *(['frame'] if 'sequence' in npz.keys else [])]
        if missing := set(required) - set(npz.keys):
            raise InputError(
                f'{self.path} lacks the key {min(missing)!r}: expected {sorted(required)}, got {sorted(npz.keys)}'
            )
        self._check_headers(npz)
        names = (chunk for _, chunk in npz.chunks('imgname'))
        self.img_names = np.concatenate(
            [chunk.copy() if chunk.dtype.kind == 'S' else np.char.encode(chunk, 'utf-8') for chunk in names]
        )
        if b'\\' in self.img_names[0]:  # written on Windows
            self.img_names = np.strings.replace(self.img_names, b'\\', b'/')
        self._columns = {key: self._read_column(npz, key) for key in (*_TEXTS, 'frame') if key in npz.keys}
        self.frame_rate = read_frame_rate(npz, len(self))
        self.center = self._read_numbers(npz, 'center')
        self.scale = self._read_numbers(npz, 'scale')
        self.crops = self._read_numbers(npz, 'crop') if 'crop' in npz.keys else None
        self.keypoints, self.keypoints_visible = self._read_joints(npz, 'part')
        self.keypoints_3d, self.keypoints_3d_visible = self._read_joints(npz, 'S')

    def _check_headers(self, npz: NpzStream) -> None:
        """Check shapes and types before anything is allocated."""
        joints = self.skeleton.num_joints
        row_shapes = dict(imgname=(), center=(2,), scale=(), part=(joints, 3), S=(joints, 4), crop=(4,), frame=())
        row_shapes |= dict.fromkeys(_TEXTS, ())
        headers = {key: npz.header(key) for key in row_shapes if key in npz.keys}
        count = math.prod(headers['imgname'].shape)
        if count == 0:
            raise InputError(f'{self.path} holds no frames')
        for key, header in headers.items():
            expected = (count, *row_shapes[key])
            if header.shape != expected:
                because = f"; the metainfo's skeleton has {joints} joints" if key in ('part', 'S') else ''
                raise InputError(f'{self.path}: expected {key!r} of shape {expected}, got {header.shape}{because}')
            kinds, what = ('US', 'text') if key in ('imgname', *_TEXTS) else ('fiu', 'numbers')
            kinds, what = ('iu', 'whole numbers') if key == 'frame' else (kinds, what)
            if header.dtype.kind not in kinds:
                raise InputError(f'{self.path}: expected {what} in {key!r}, got {header.dtype}')

    @staticmethod
    def _read_column(npz: NpzStream, key: str) -> np.ndarray:
        """(N,) texts or whole numbers."""
        column = np.concatenate([chunk.copy() for _, chunk in npz.chunks(key)])
        return np.char.decode(column, 'utf-8') if column.dtype.kind == 'S' else column

    def _read_joints(self, npz: NpzStream, key: str) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates (N, K, C) and visibility (N, K) from an array (N, K, C + 1)."""
        shape = npz.header(key).shape
        coordinates = np.empty((*shape[:2], shape[2] - 1), np.float32)
        visible = np.empty(shape[:2], bool)
        for rows, chunk in self._finite_chunks(npz, key):
            coordinates[rows], visible[rows] = chunk[..., :-1], chunk[..., -1] > 0
        # Human3.6M hides no joint: a broadcast value takes no memory
        return coordinates, np.broadcast_to(True, visible.shape) if visible.all() else visible

    def _read_numbers(self, npz: NpzStream, key: str) -> np.ndarray:
        """An array, float32."""
        numbers = np.empty(npz.header(key).shape, np.float32)
        for rows, chunk in self._finite_chunks(npz, key):
            numbers[rows] = chunk
        return numbers

    def _finite_chunks(self, npz: NpzStream, key: str) -> Iterator[tuple[slice, np.ndarray]]:
        """Chunks of an array in float32, and at the end an error if a number was not finite."""
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
                f'{bad_rows[0]} ({self._name(bad_rows[0])}). Remove these rows, or mark what is not known as not '
                'visible, with coordinates of 0.'
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
        """Refuse numbers in other units than pixels and metres."""
        for key, pixels in (('part', self.keypoints), ('center', self.center)):
            require_unit(f'{self.path}: {key!r}', pixels, PIXELS)
        root = self.skeleton.root
        for start in range(0, len(self), _CHECKED_ROWS):
            joints = self.keypoints_3d[start : start + _CHECKED_ROWS]
            visible = self.keypoints_3d_visible[start : start + _CHECKED_ROWS]
            depths = np.where(visible[:, root], joints[:, root, 2], 1)
            offsets = np.abs(joints - joints[:, [root]]).max(axis=-1) * (visible & visible[:, [root]])
            row, nearest = start + int(offsets.max(axis=1).argmax()), start + int(depths.argmin())
            require_unit(f"{self.path}: 'S' in row {row} ({self._name(row)})", offsets, FROM_ROOT)
            if not self.keypoints_3d_visible[:, root].any() and not joints[:, root].any():
                raise InputError(
                    f"{self.path}: no frame has a visible root, {self.skeleton.joint_names[root]!r}, in 'S': poses and "
                    'depths are relative to it. Mark it as visible where it is known, or name another joint as root'
                )
            if visible[:, root].any() and not joints[:, root].any():
                raise InputError(
                    f"{self.path}: 'S' has the root at 0 0 0 from row {start} on: expected absolute camera-frame "
                    'metres, not relative to the root'
                )
            require_unit(f"{self.path}: z of the root in 'S', from row {start} on,", depths, FROM_CAMERA)
            if depths.min() <= 0:
                raise InputError(
                    f"{self.path}: 'S' in row {nearest} ({self._name(nearest)}) has the root {depths.min():.4g} m from "
                    'the camera, expected camera-frame metres, z forward; are these world coordinates?'
                )

    def _find_sequences(self) -> None:
        """Group the rows into videos."""
        columns = self._columns
        self.actions = None
        try:
            if 'sequence' in columns:
                self.frames = columns['frame'].astype(np.int32)
                self.sequence_ids, videos = index_columns(columns)
            else:
                self.frames, self.sequence_ids, videos = index_image_names(self.img_names)
        except ValueError as error:
            hint = '' if 'sequence' in columns else ". Name images so, or give the columns 'sequence' and 'frame'"
            raise InputError(f'{self.path}, {error}{hint}') from error
        if any(video.action is None for video in videos):
            self.actions = columns['action']
        del self._columns
        order = np.lexsort((self.frames, self.sequence_ids))
        rows = np.split(order, np.cumsum(np.bincount(self.sequence_ids))[:-1])
        repeated = np.flatnonzero(np.diff(self.frames[order], prepend=-1) == 0)
        repeated = repeated[self.sequence_ids[order[repeated]] == self.sequence_ids[order[repeated - 1]]]
        if len(repeated):
            row = order[repeated[0]]
            raise InputError(
                f'{self.path}: frame {self.frames[row]} of {videos[self.sequence_ids[row]].name} is there twice, the '
                f'second time in row {row}. Remove one'
            )
        self.sequences = [Sequence(*video, rows_of_one) for video, rows_of_one in zip(videos, rows, strict=True)]
