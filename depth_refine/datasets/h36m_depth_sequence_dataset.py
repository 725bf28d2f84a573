"""Windows and whole videos for the second stage."""

from pathlib import Path

import numpy as np
from mmpose.registry import DATASETS

from depth_refine.errors import InputError
from depth_refine.functional.skeleton import ROOT

from .h36m_annotation import Sequence
from .h36m_dataset import H36MDataset
from .sequence_store import SequenceStore


@DATASETS.register_module()
class H36MDepthSequenceDataset(H36MDataset):
    """Sequences of 2D poses, with or without depths, and their 3D poses, for the refiner.

    Shape key: T input frames, T' target frames, C channels (2: u, v px; 3: u, v px, depth m relative to the root).

    In training a sample is a window of ``seq_len`` frames around one target frame, and every ``frame_step``-th frame of
    every video is the target of one window. In test mode a sample is a whole video. Ends of videos are continued by
    their first and last frames, so that every frame is predicted; windows are cut out when they are asked for.

    A sample holds ``keypoints`` (T, 17, C), ``keypoints_visible`` (T, 17), ``lifting_target`` (T', 17, 3) absolute
    camera-frame metres, ``lifting_target_visible`` (T', 17), ``camera_param``, ``target_img_path`` and ``img_ids``
    (T'), ``sequence``, ``subject``, ``action`` and ``bbox_policy``, the store's. T' = 1 and T = ``seq_len`` in
    training; T = T' + ``seq_len`` - 1 in test mode.

    Args:
        ann_file: the annotation npz, relative to ``data_root``.
        input_source: ``'2d'`` or ``'2d+depth'`` from the depth sequence store, ``'gt2d'`` or ``'gt2d+gtdepth'`` from
            the annotation.
        seq_len: the refiner's receptive field.
        depth_store: the store's folder, relative to ``data_root``; needed by ``'2d'`` and ``'2d+depth'``.
        bbox_policy: the bounding boxes under which the store must have been made: those of the first stage's config, or
            ``'published'`` for detections made elsewhere; None accepts any.
        frame_step: make every n-th frame a target in training; neighbouring windows differ little.
        causal: the target is the last frame of its window instead of the middle one.
        kwargs: see :class:`H36MDataset`.

    Raises:
        InputError: see :class:`H36MAnnotation` and :class:`SequenceStore`; an unknown ``input_source``; a store that is
            needed but not given, has no depth or was made under other bounding boxes; or a ``seq_len`` longer than
            every video.
    """

    INPUT_SOURCES = ('2d', '2d+depth', 'gt2d', 'gt2d+gtdepth')

    def __init__(
        self,
        ann_file: str,
        input_source: str,
        seq_len: int,
        depth_store: str | None = None,
        bbox_policy: str | None = None,
        frame_step: int = 1,
        causal: bool = False,
        data_root: str = '',
        **kwargs,
    ) -> None:
        if input_source not in self.INPUT_SOURCES:
            raise InputError(f'unknown input_source {input_source!r}: expected one of {self.INPUT_SOURCES}')
        if not input_source.startswith('gt') and depth_store is None:
            raise InputError(f'input_source {input_source!r} needs depth_store, the folder of a depth sequence store')
        self.input_source = input_source
        self.seq_len = seq_len
        self.depth_store = depth_store and Path(data_root, depth_store)
        self.bbox_policy = bbox_policy
        self.frame_step = frame_step
        self.frames_before = seq_len - 1 if causal else seq_len // 2
        super().__init__(ann_file=ann_file, data_root=data_root, **kwargs)

    def sample_ids(self) -> list[int]:
        """Rows of the annotation in training, indices of videos in test mode."""
        sequences = self.annotation.sequences
        longest = max(len(sequence.rows) for sequence in sequences)
        if self.seq_len > longest:
            raise InputError(
                f'the receptive field, {self.seq_len} frames, is longer than any video of {self.annotation.path} '
                f'(at most {longest} frames). Use a config with a shorter one, or longer videos.'
            )
        self._keypoints = self._read_inputs()
        self._positions = np.empty(len(self.annotation), np.int32)  # of a row in its video
        for sequence in sequences:
            self._positions[sequence.rows] = np.arange(len(sequence.rows))
        if self.test_mode:
            return list(range(len(sequences)))
        return np.concatenate([sequence.rows[:: self.frame_step] for sequence in sequences]).tolist()

    def _read_inputs(self) -> np.ndarray:
        """(N, 17, C) of the input source; memory-mapped if it comes from a store."""
        if self.input_source.startswith('gt'):
            self.bbox_policy = 'not needed'
            keypoints = self.annotation.keypoints
            if self.input_source == 'gt2d':
                return keypoints
            depth = self.annotation.keypoints_3d[..., 2:]
            return np.concatenate([keypoints, depth - depth[:, ROOT, None]], axis=-1)
        store = SequenceStore(self.depth_store, self.annotation)
        if self.bbox_policy not in (None, store.bbox_policy):
            raise InputError(
                f'{store.path} was made under the bounding boxes {store.bbox_policy!r}, but the config says '
                f'bbox_policy={self.bbox_policy!r}, and boxes move results by tens of mm. Extract again under the '
                "config's, or name the store's in the config; bbox_policy=None accepts any."
            )
        self.bbox_policy = store.bbox_policy
        if self.input_source == '2d':
            return store.keypoints[..., :2]
        if not store.has_depth:
            raise InputError(f"{store.path} has no depths, only 2D poses: use it with input_source='2d'")
        return store.keypoints

    def build_sample(self, sample_id: int) -> dict:
        """The window around row ``sample_id``, or the ``sample_id``-th video in test mode."""
        if self.test_mode:
            index, start = sample_id, 0
            targets = self.annotation.sequences[index].rows
        else:
            index, start = self.annotation.sequence_ids[sample_id], self._positions[sample_id]
            targets = np.array([sample_id])
        sequence, camera = self.annotation.sequences[index], self.annotation.cameras[index]
        rows = self._window(sequence, start, len(targets))
        keypoints = np.array(self._keypoints[rows])
        return dict(
            keypoints=keypoints,
            keypoints_visible=np.ones(keypoints.shape[:2], np.float32),
            lifting_target=self.annotation.keypoints_3d[targets],
            lifting_target_visible=self.annotation.keypoints_3d_visible[targets],
            camera_param=camera,
            target_img_path=[self.image_path(row) for row in targets],
            img_ids=targets,
            sequence=sequence.name,
            subject=sequence.subject,
            action=sequence.action,
            bbox_policy=self.bbox_policy,
        )

    def _window(self, sequence: Sequence, start: int, num_targets: int) -> np.ndarray:
        """Rows behind the outputs for positions ``start`` to ``start + num_targets`` of a video, ends replicated."""
        positions = np.arange(start - self.frames_before, start - self.frames_before + num_targets + self.seq_len - 1)
        return sequence.rows[positions.clip(0, len(sequence.rows) - 1)]
