"""The depth sequence store: the first stage's predictions for every frame of an annotation; the second reads no others.

A folder of plain arrays, N frames, K joints: ``keypoints.npy`` float32 (N, K, 3) of (u px, v px, depth m relative to
the root), ``scores.npy`` float32 (N, K), optionally ``depth_std.npy`` float32 (N, K), the depth's standard deviation in
m, ``frame_names.npy`` (N,) and ``store.json``. The latter names the sources, the bounding boxes (``bbox_policy``) and
the joints, and says whether there are depths (``has_depth``; if not, the column is NaN). It has the SHA-256 of each
array, by which damage is found; older stores lack joint names and checksums. Row i belongs to row i of the annotation.
The folder is written under a temporary name and renamed when it is complete.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import DTypeLike

from depth_refine.utils.atomic import whole_folder
from depth_refine.utils.errors import InputError
from depth_refine.utils.units import FROM_ROOT, PIXELS, require_unit

from .pose_annotation import PoseAnnotation

SCHEMA_VERSION = 2
_META_FILE = 'store.json'
_BLOCK = 1 << 20  # bytes
_CHECKED_FRAMES = 1 << 16  # at once, 13 MB


def _shapes(joints: int, has_depth_std: bool) -> dict[str, tuple]:
    """Shape of a frame in each array."""
    return dict(keypoints=(joints, 3), scores=(joints,), **(dict(depth_std=(joints,)) if has_depth_std else {}))


def _sha256(path: Path) -> str:
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


class SequenceStore:
    """A finished store, memory-mapped.

    Args:
        path: the folder.
        annotation: the annotation that the store must belong to.

    Attributes:
        keypoints: (N, K, 3) of (u px, v px, depth m).
        scores: (N, K) in [0, 1].
        depth_std: (N, K) m, None if the store has none.
        bbox_policy: the bounding boxes of the first stage, or ``'published'`` for detections made elsewhere.
        has_depth: whether there are depths; if not, the third column is NaN.
        meta: the content of ``store.json``.

    Raises:
        InputError: the folder is missing or damaged, or belongs to another annotation.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from depth_refine.datasets import H36MAnnotation, SequenceStore, write_sequence_store
        >>> from depth_refine.synthetic import make_synthetic
        >>> few = dict(frames=1, image_size=32, workers=1, subjects=['S1', 'S9'], activities=['Walking'])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data = make_synthetic(f'{folder}/data', **few) / 'annotation_body3d'
        ...     annotation = H36MAnnotation(data / 'fps50/h36m_train.npz', data / 'cameras.pkl')
        ...     with write_sequence_store(f'{folder}/store', annotation, 'annotation', dict(config='my.py')) as writer:
        ...         writer.write(np.arange(4), np.tile([500, 400, 0.1], (4, 17, 1)), np.ones((4, 17)))
        ...     store = SequenceStore(f'{folder}/store', annotation)
        ...     store.keypoints.shape, store.has_depth, store.meta['config']
        ((4, 17, 3), True, 'my.py')
    """

    def __init__(self, path: str | Path, annotation: PoseAnnotation) -> None:
        self.path = Path(path)
        how_to_make = 'Make it with tools/extract_depth_sequences.py, or with tools/import_predictions.py.'
        if not (self.path / _META_FILE).is_file():
            raise InputError(f'no depth sequence store at {self.path.absolute()}: no {_META_FILE} there. {how_to_make}')
        try:
            self.meta = json.loads((self.path / _META_FILE).read_text(encoding='utf-8'))
            if (version := self.meta['schema_version']) != SCHEMA_VERSION:
                raise InputError(f'{self.path} has schema version {version}, expected {SCHEMA_VERSION}. {how_to_make}')
            count, owner = self.meta['num_frames'], self.meta['annotation']['sha256']
            self.bbox_policy, self.has_depth = str(self.meta['bbox_policy']), bool(self.meta['has_depth'])
            joints, has_depth_std = annotation.skeleton.num_joints, self.meta.get('has_depth_std', False)
            shapes, written = _shapes(joints, has_depth_std), self.meta.get('sha256', {})
            arrays = {name: open_memmap(self.path / f'{name}.npy', mode='c') for name in shapes}
            files = [f'{name}.npy' for name in shapes if f'{name}.npy' in written]
            changed = [name for name in files if _sha256(self.path / name) != written[name]]
        except InputError:
            raise
        except Exception as error:  # whatever json and numpy raise on damaged bytes
            raise InputError(f'the depth sequence store {self.path} is damaged ({error!r}). {how_to_make}') from error
        if owner != annotation.sha256:
            raise InputError(
                f'the depth sequence store {self.path} belongs to another annotation: it was made for sha256 {owner}, '
                f'but {annotation.path} has {annotation.sha256}. Give the store of this annotation, or remove this one '
                'and extract again.'
            )
        names = annotation.skeleton.joint_names
        if (stored := tuple(self.meta.get('joint_names', names))) != names:
            raise InputError(
                f'the depth sequence store {self.path} has the joints {list(stored)}, and the metainfo of the data set '
                f'{list(names)}. Give the metainfo that the store was made with, or make it again.'
            )
        for name, shape in shapes.items():
            array = arrays[name]
            if array.shape != (count, *shape) or array.dtype != np.float32 or count != len(annotation):
                raise InputError(
                    f'{self.path / name}.npy: expected float32 of shape {(len(annotation), *shape)}, got {array.dtype} '
                    f'{array.shape}. {how_to_make}'
                )
        if changed:
            raise InputError(f'{self.path / changed[0]} is not as it was written: its sha256 differs. {how_to_make}')
        self.keypoints, self.scores, self.depth_std = arrays['keypoints'], arrays['scores'], arrays.get('depth_std')
        self._check_units()

    def _check_units(self) -> None:
        """Refuse numbers in other units than pixels and metres."""
        extremes = []
        for start in range(0, len(self.keypoints), _CHECKED_FRAMES):
            # a new mapping for each part: pages that a mapping has read stay in memory with it
            part = np.load(self.path / 'keypoints.npy', mmap_mode='r')[start : start + _CHECKED_FRAMES]
            frames = part.reshape(len(part), -1)  # NumPy compares faster along long rows
            extremes += [frames.min(axis=0), frames.max(axis=0)]
        extremes = np.reshape(extremes, (-1, 3))
        require_unit(f'{self.path}: u and v of keypoints.npy', extremes[:, :2], PIXELS)
        if self.has_depth:
            require_unit(f'{self.path}: the depth of keypoints.npy', extremes[:, 2], FROM_ROOT)


@contextmanager
def write_sequence_store(
    path: str | Path,
    annotation: PoseAnnotation,
    bbox_policy: str,
    meta: dict,
    has_depth: bool = True,
    has_depth_std: bool = False,
) -> Iterator['_Writer']:
    """Write a store in a ``with`` block.

    Leaving the block moves the finished folder into place; an error or an interruption inside it leaves nothing.

    Args:
        path: the folder to make; it must not exist.
        annotation: the annotation whose frames are stored.
        bbox_policy: the bounding boxes of the first stage, or ``'published'``.
        meta: provenance for ``store.json``: config, checkpoint, image size.
        has_depth: False if there are only 2D poses; every depth must then be NaN.
        has_depth_std: whether every batch comes with ``depth_std``.

    Yields:
        A writer whose :meth:`~_Writer.write` takes batches, in any order.

    Raises:
        InputError: ``path`` exists or cannot be made.
        ValueError: the block ended before every frame was written, or a prediction is not finite.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from depth_refine.datasets import H36MAnnotation, write_sequence_store
        >>> from depth_refine.synthetic import make_synthetic
        >>> few = dict(frames=1, image_size=32, workers=1, subjects=['S1', 'S9'], activities=['Walking'])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data = make_synthetic(f'{folder}/data', **few) / 'annotation_body3d'
        ...     annotation = H36MAnnotation(data / 'fps50/h36m_train.npz', data / 'cameras.pkl')
        ...     with write_sequence_store(f'{folder}/store', annotation, 'annotation', dict(config='my.py')) as writer:
        ...         depth = annotation.keypoints_3d[..., 2] - annotation.keypoints_3d[:, :1, 2]  # from the root
        ...         writer.write(np.arange(4), np.dstack([annotation.keypoints, depth]), scores=np.ones((4, 17)))
        ...     np.load(f'{folder}/store/keypoints.npy').shape
        (4, 17, 3)
    """
    path = Path(path)
    if path.exists():
        raise InputError(f'{path.absolute()} exists. Remove it, or give another folder.')
    with whole_folder(path) as folder:
        writer = _Writer(folder, annotation, has_depth, has_depth_std)
        yield writer
        writer.finish(dict(meta, bbox_policy=bbox_policy, has_depth=has_depth, has_depth_std=has_depth_std))


def _allocate(path: Path, dtype: DTypeLike, shape: tuple) -> np.memmap:
    """A memory-mapped array in a new file with all its space: on a full disk, writing to a mapping ends the process."""
    array = open_memmap(path, mode='w+', dtype=dtype, shape=shape)
    with path.open('r+b') as file:
        if hasattr(os, 'posix_fallocate'):
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        else:  # Windows and macOS
            file.seek(array.offset)
            for start in range(0, array.nbytes, _BLOCK):
                file.write(bytes(min(_BLOCK, array.nbytes - start)))
    return array


class _Writer:
    """Fills the arrays of a store in ``folder``."""

    def __init__(self, folder: Path, annotation: PoseAnnotation, has_depth: bool, has_depth_std: bool) -> None:
        self.folder = folder
        self.annotation = annotation
        self._finite_columns = 3 if has_depth else 2
        joints = annotation.skeleton.num_joints
        shapes = {name: (len(annotation), *shape) for name, shape in _shapes(joints, has_depth_std).items()}
        self._arrays = {name: _allocate(folder / f'{name}.npy', np.float32, shape) for name, shape in shapes.items()}
        self._written = np.zeros(len(annotation), bool)

    def write(
        self, rows: np.ndarray, keypoints: np.ndarray, scores: np.ndarray, depth_std: np.ndarray | None = None
    ) -> None:
        """Put the predictions of B frames into their rows of the store.

        Args:
            rows: (B,) rows of the annotation.
            keypoints: (B, K, 3) of (u px, v px, depth m).
            scores: (B, K).
            depth_std: (B, K) m, for a store that has it.
        """
        batch = dict(keypoints=keypoints, scores=scores) | ({} if depth_std is None else dict(depth_std=depth_std))
        if batch.keys() != self._arrays.keys():
            raise ValueError(f'expected batches of {sorted(self._arrays)}, got {sorted(batch)}')
        finite = dict(batch, keypoints=keypoints[..., : self._finite_columns])
        if not all(np.isfinite(values).all() for values in finite.values()):
            raise ValueError(f'the first stage gave a prediction that is not finite, in rows {list(rows)}')
        for name, values in batch.items():
            self._arrays[name][rows] = values
        self._written[rows] = True

    def finish(self, meta: dict) -> None:
        """Write frame names and metadata."""
        if not self._written.all():
            raise ValueError(f'only {self._written.sum()} of {len(self._written)} frames were written; nothing is kept')
        for array in self._arrays.values():
            array.flush()
        names = self.annotation.img_names
        _allocate(self.folder / 'frame_names.npy', names.dtype, names.shape)[:] = names
        meta = dict(
            schema_version=SCHEMA_VERSION,
            num_frames=len(self.annotation),
            joint_names=list(self.annotation.skeleton.joint_names),
            annotation=dict(file=self.annotation.path.name, sha256=self.annotation.sha256),
            sha256={f'{name}.npy': _sha256(self.folder / f'{name}.npy') for name in self._arrays},
            **meta,
        )
        self._arrays.clear()  # Windows does not move folders with mapped files
        (self.folder / _META_FILE).write_text(json.dumps(meta, indent=2) + '\n', encoding='utf-8')
