"""The depth sequence store: what the first stage predicts for every frame of an annotation, all that the second reads.

A folder of plain arrays, N frames: ``keypoints.npy`` float32 (N, 17, 3) of (u px, v px, depth m relative to the root),
``scores.npy`` float32 (N, 17), ``frame_names.npy`` (N,) and ``store.json``, which says where they come from. Row i
belongs to row i of the annotation. The folder is written under a temporary name and moved into place when complete.
"""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from depth_refine.errors import InputError

from .h36m_annotation import H36MAnnotation

SCHEMA_VERSION = 1
_META_FILE = 'store.json'
_SHAPES = dict(keypoints=(17, 3), scores=(17,))


class SequenceStore:
    """A finished store, memory-mapped.

    Args:
        path: the folder.
        annotation: the annotation that the store must belong to.

    Attributes:
        keypoints: (N, 17, 3) of (u px, v px, depth m).
        scores: (N, 17) in [0, 1].
        meta: the content of ``store.json``.

    Raises:
        InputError: the folder is missing or damaged, or belongs to another annotation.
    """

    def __init__(self, path: str | Path, annotation: H36MAnnotation) -> None:
        self.path = Path(path)
        how_to_make = 'Make it with tools/extract_depth_sequences.py.'
        if not (self.path / _META_FILE).is_file():
            raise InputError(
                f'no depth sequence store at {self.path.absolute()}: {_META_FILE} is missing. {how_to_make}'
            )
        try:
            self.meta = json.loads((self.path / _META_FILE).read_text())
            version, count = self.meta['schema_version'], self.meta['num_frames']
            owner = self.meta['annotation']['sha256']
            self.keypoints = np.load(self.path / 'keypoints.npy', mmap_mode='r')
            self.scores = np.load(self.path / 'scores.npy', mmap_mode='r')
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise InputError(f'the depth sequence store {self.path} is damaged ({error!r}). {how_to_make}') from error
        if version != SCHEMA_VERSION:
            raise InputError(f'{self.path} has schema version {version}, expected {SCHEMA_VERSION}. {how_to_make}')
        if owner != annotation.sha256:
            raise InputError(
                f'the depth sequence store {self.path} belongs to another annotation: it was made for sha256 {owner}, '
                f'but {annotation.path} has {annotation.sha256}. Give the store of this annotation, or make one with '
                'tools/extract_depth_sequences.py.'
            )
        for name, shape in _SHAPES.items():
            array = getattr(self, name)
            if array.shape != (count, *shape) or array.dtype != np.float32 or count != len(annotation):
                raise InputError(
                    f'{self.path / name}.npy: expected float32 of shape {(len(annotation), *shape)}, got {array.dtype} '
                    f'{array.shape}. {how_to_make}'
                )


class SequenceStoreWriter:
    """Writes a store; a context manager.

    Leaving the block moves the finished folder into place; an error or an interruption inside it removes what was
    written.

    Args:
        path: the folder to make; it must not exist.
        annotation: the annotation whose frames are stored.
        meta: provenance for ``store.json``: config, checkpoint, bounding boxes, image size.

    Raises:
        InputError: ``path`` exists.
    """

    def __init__(self, path: str | Path, annotation: H36MAnnotation, meta: dict) -> None:
        self.path = Path(path)
        self.annotation = annotation
        self.meta = dict(
            schema_version=SCHEMA_VERSION,
            num_frames=len(annotation),
            annotation=dict(file=annotation.path.name, sha256=annotation.sha256),
            **meta,
        )
        if self.path.exists():
            raise InputError(f'{self.path.absolute()} exists. Remove it, or give another folder.')

    def __enter__(self) -> 'SequenceStoreWriter':
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=f'.{self.path.name}.', suffix='.partial', dir=self.path.parent))
        self._arrays = {
            name: np.lib.format.open_memmap(
                self._folder / f'{name}.npy', mode='w+', dtype=np.float32, shape=(len(self.annotation), *shape)
            )
            for name, shape in _SHAPES.items()
        }
        self._written = np.zeros(len(self.annotation), bool)
        return self

    def write(self, rows: np.ndarray, keypoints: np.ndarray, scores: np.ndarray) -> None:
        """Store a batch: rows (B,) of the annotation, keypoints (B, 17, 3) of (u px, v px, depth m), scores (B, 17).

        Raises:
            ValueError: a prediction is not finite.
        """
        if not (np.isfinite(keypoints).all() and np.isfinite(scores).all()):
            raise ValueError(f'the first stage gave a prediction that is not finite, in rows {list(rows)}')
        self._arrays['keypoints'][rows] = keypoints
        self._arrays['scores'][rows] = scores
        self._written[rows] = True

    def __exit__(self, error_type, *_) -> None:
        try:
            if error_type is None:
                self._finish()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _finish(self) -> None:
        if not self._written.all():
            raise ValueError(
                f'{self.path}: only {self._written.sum()} of {len(self._written)} frames were written; nothing is kept'
            )
        for array in self._arrays.values():
            array.flush()
        np.save(self._folder / 'frame_names.npy', self.annotation.img_names)
        (self._folder / _META_FILE).write_text(json.dumps(self.meta, indent=2) + '\n')
        self._folder.chmod(0o755)  # mkdtemp's folders are private
        self._folder.rename(self.path)
