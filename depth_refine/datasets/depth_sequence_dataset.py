"""Windows and whole videos for the second stage."""

import functools
import itertools
from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import Compose, force_full_init
from mmpose.registry import DATASETS
from torch import Tensor
from torch.utils.data import get_worker_info

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

from .depth_dataset import DepthDataset
from .joint_checks import require_known
from .sequence_store import SequenceStore
from .videos_of_rows import warn_of_leaps


@DATASETS.register_module()
class DepthSequenceDataset(DepthDataset):
    """Sequences of 2D poses, with or without depths, and their 3D poses, for the refiner.

    Shape key: T input frames, T' target frames, K joints, C channels: u and v px, the depth relative to the root in m,
    and its standard deviation in m, two to four of them.

    In training a sample is a window of ``seq_len`` frames around one target frame, and every ``frame_step``-th frame of
    every video is the target of one window. In test mode a sample is a whole video. With ``clip_len`` a sample is a
    clip of that many targets in either mode, for networks that predict all frames of a clip at once. Videos are padded
    with copies of their first and last frames, so that every frame is predicted. Windows are cut on request.

    A sample holds ``keypoints`` (T, K, C), ``keypoints_visible`` (T, K), ``lifting_target`` (T', K, 3) absolute
    camera-frame metres, ``lifting_target_visible`` (T', K), ``camera_param``, ``target_img_path``, ``frames``
    and ``img_ids`` (T'), ``sequence``, ``subject``, ``action`` (of each frame, T', if there are several),
    ``root_index`` and the store's ``bbox_policy``. T = T' + ``seq_len`` - 1; T' is 1 in training, ``clip_len`` or all.

    The pipeline starts with a batch of samples; a single sample is a batch of one. A batch holds tensors with a leading
    batch axis, and in ``camera_param`` the parameters of each sample's camera: ``w`` and ``h`` (B,) and, if all cameras
    have them, ``f``, ``c`` and ``p`` (B, 2) and ``k`` (B, 3). Steps whose attribute ``batched`` is true, as in
    :mod:`depth_refine.datasets.transforms`, take the whole batch. Before the first other step the batch is split into
    samples of NumPy arrays, which MMPose's transforms take, and all further steps take these one by one. If all steps
    are batched, a training data loader gets the batch from ``__getitems__``, for ``merge_windows``.

    Args:
        ann_file: the annotation npz, relative to the data root.
        input_source: ``'2d'``, ``'2d+depth'`` or ``'2d+depth+std'`` from the depth sequence store, ``'gt2d'`` or
            ``'gt2d+gtdepth'`` from the annotation.
        seq_len: the refiner's receptive field.
        depth_store: the store's folder, relative to the data root; needed unless the inputs are from the annotation.
        bbox_policy: the bounding boxes that the store must have been made with: those of the first stage's config, or
            ``'published'`` for detections made elsewhere; None accepts any.
        frame_step: make every n-th frame a target in training; neighbouring windows differ little.
        clip_len: cut videos into clips of that many targets; ``frame_step`` then has no effect. In test mode the last
            clip of a video is shorter. In training all clips are equally long: the last one overlaps the one before,
            and a video shorter than a clip is padded with copies of its last frame.
        causal: the target is the last frame of its window instead of the middle one.
        device: where batches are assembled. On an accelerator all arrays are held there, and the data loader must not
            have workers.
        kwargs: see :class:`DepthDataset`.

    Raises:
        InputError: see :class:`PoseAnnotation` and :class:`SequenceStore`; an unknown ``input_source``; a store that is
            needed but not given, has no depths, or was made with other bounding boxes; joints that are not visible
            where inputs come from the annotation; or a ``seq_len`` longer than every video.

    Example:
        In a config, windows of 27 frames of the annotation's own 2D poses:

            train_dataloader = dict(
                dataset=dict(
                    type='DepthSequenceDataset',
                    metainfo=dict(from_file='mine/skeleton.py'),
                    root='pelvis',
                    data_root='mine/data/',
                    ann_file='train.npz',
                    camera_param_file='cameras.pkl',
                    input_source='gt2d',
                    seq_len=27,
                )
            )
    """

    INPUT_SOURCES = ('2d', '2d+depth', '2d+depth+std', 'gt2d', 'gt2d+gtdepth')

    def __init__(
        self,
        ann_file: str,
        input_source: str,
        seq_len: int,
        depth_store: str | None = None,
        bbox_policy: str | None = None,
        frame_step: int = 1,
        clip_len: int | None = None,
        causal: bool = False,
        device: str = 'cpu',
        data_root: str = '',
        **kwargs,
    ) -> None:
        if input_source not in self.INPUT_SOURCES:
            raise InputError(f'unknown input_source {input_source!r}: expected one of {self.INPUT_SOURCES}')
        if not input_source.startswith('gt') and depth_store is None:
            raise InputError(f'input_source {input_source!r} needs depth_store, the folder of a depth sequence store')
        counts = dict(seq_len=seq_len, frame_step=frame_step, clip_len=1 if clip_len is None else clip_len)
        for name, value in counts.items():
            require_number(f'{name} of {type(self).__name__}', value, 1, whole=True)
        self.input_source, self.bbox_policy, self.device = input_source, bbox_policy, device
        self.seq_len, self.frame_step, self.clip_len = seq_len, frame_step, clip_len
        self.depth_store = depth_store and Path(data_root, depth_store)
        self.frames_before = seq_len - 1 if causal else seq_len // 2
        self.causal = causal
        super().__init__(ann_file=ann_file, data_root=data_root, **kwargs)

    def sample_ids(self) -> np.ndarray:
        """(N, 3): index of the video, position of the first target in it, number of targets."""
        lengths = [len(sequence.rows) for sequence in self.annotation.sequences]
        if (field := max(self.seq_len, self.clip_len or 1)) > max(lengths):
            raise InputError(
                f'the receptive field, {field} frames, is longer than any video of {self.annotation.path} (at most '
                f'{max(lengths)} frames). Use a config with a shorter one, or longer videos.'
            )
        warn_of_leaps(self.annotation.path, self.annotation.frames, self.annotation.sequences)
        self._inputs = self._read_inputs()
        self._metainfo['causal'] = self.causal
        if '+' in self.input_source:
            codecs = [getattr(step, 'encoder', None) for step in self.pipeline.transforms]
            for codec in (codec for codec in codecs if codec is not None and not getattr(codec, 'batched', False)):
                raise InputError(
                    f'{type(codec).__name__} normalises 2D alone, and input_source {self.input_source!r} has depths in '
                    "metres: take DepthSequenceLifting, or one of '2d' and 'gt2d'"
                )
        return np.concatenate([self._cut(index, length) for index, length in enumerate(lengths)])

    def _cut(self, index: int, length: int) -> np.ndarray:
        """The samples of one video."""
        count = self.clip_len or (length if self.test_mode else 1)
        starts = np.arange(0, length, count if self.clip_len or self.test_mode else self.frame_step)
        if not self.test_mode:
            starts = starts.clip(max=max(length - count, 0))
        counts = np.minimum(count, length - starts) if self.test_mode else np.full(len(starts), count)
        return np.stack([np.full(len(starts), index), starts, counts], axis=-1).astype(np.int32)

    def _read_inputs(self) -> list[np.ndarray]:
        """Arrays (N, K, ...) whose last axes add up to the C channels; memory-mapped if they come from a store."""
        if self.input_source.startswith('gt'):
            self.bbox_policy = 'not needed'
            require_known(self.annotation, f'input_source {self.input_source!r}')
            keypoints = self.annotation.keypoints
            if self.input_source == 'gt2d':
                return [keypoints]
            depth = self.annotation.keypoints_3d[..., 2:]
            return [keypoints, depth - depth[:, self.skeleton.root, None]]
        store = SequenceStore(self.depth_store, self.annotation)
        if self.bbox_policy not in (None, store.bbox_policy):
            raise InputError(
                f'{store.path} was made under the bounding boxes {store.bbox_policy!r}, but the config says '
                f'bbox_policy={self.bbox_policy!r}, and boxes move results by tens of mm. Extract again under the '
                "config's, or name the store's in the config; bbox_policy=None accepts any."
            )
        self.bbox_policy = store.bbox_policy
        if self.input_source == '2d':
            return [store.keypoints[..., :2]]
        if not store.has_depth:
            raise InputError(f"{store.path} has no depths, only 2D poses: use it with input_source='2d'")
        if self.input_source == '2d+depth':
            return [store.keypoints]
        if store.depth_std is None:
            raise InputError(
                f'{store.path} has no standard deviations of depths: extract it with tools/extract_depth_sequences.py'
            )
        return [store.keypoints, store.depth_std[..., None]]

    def build_sample(self, sample_id: np.ndarray) -> dict:
        """The sample of this video, first target and number of targets."""
        return self._split(self._gather(sample_id[None]), sample_id[None])[0]

    def describe(self, sample_id: np.ndarray) -> dict:
        """Metadata of a sample: everything but its tensors."""
        index, start, count = sample_id.tolist()
        sequence = self.annotation.sequences[index]
        targets = sequence.rows[np.arange(start, start + count).clip(max=len(sequence.rows) - 1)]
        return dict(
            camera_param=dict(self.annotation.cameras[index]),  # which a flip of MMPose may change
            target_img_path=[self.image_path(row) for row in targets],
            img_ids=targets,
            frames=self.annotation.frames[targets],
            **self.sequence_info(sequence, targets),
        )

    @force_full_init
    def sample_name(self, index: int) -> str:
        """Video and target frame of a sample, or its first target: ``S1_Directions_1.54138969, frame 37``."""
        video, start, _ = self.data_list[index].tolist()
        sequence = self.annotation.sequences[video]
        return f'{sequence.name}, frame {self.annotation.frames[sequence.rows[start]]}'

    def prepare_data(self, idx: int) -> dict | None:
        """A sample after the pipeline: what :meth:`__getitem__` gives."""
        batched, others = self._pipelines()
        return self._finish(self._start([idx], batched), others)[0]

    @force_full_init
    def __getitems__(self, indices: list[int]) -> dict | list[dict]:
        """Samples for a data loader's collate function: one batch if every step of a training pipeline is ``batched``.

        A batch holds tensors on ``device``, by the names of the pipeline's results: ``keypoint_labels`` (B, T, K, C),
        ``lifting_target_label`` (B, T', K, 3) and others; and ``label_mapping_table`` and ``sample_idx``, the indices.
        In all other cases the result is a list of samples.
        """
        if self.test_mode:  # videos of different lengths
            return [self[index] for index in indices]
        batched, others = self._pipelines()
        batch = self._start(indices, batched)
        if not others.transforms:
            return batch
        samples = self._finish(batch, others)
        return [self[self._rand_another()] if sample is None else sample for sample in samples]

    def _pipelines(self) -> tuple[Compose, Compose]:
        """The steps of the pipeline that take batches, and those that take samples."""
        steps = self.pipeline.transforms
        batched = list(itertools.takewhile(lambda step: getattr(step, 'batched', False), steps))
        others = steps[len(batched) :]
        if self.device != 'cpu' and (others or get_worker_info() is not None):
            needed = f'transforms that take batches, unlike {_name(others[0])}' if others else 'num_workers=0'
            raise InputError(f'windows are assembled on {self.device}, which needs {needed}')
        return Compose(batched), Compose(others)

    def _start(self, indices: list[int], batched: Compose) -> dict:
        """A batch after the steps for batches."""
        return batched(dict(self.common_info(), **self._gather(self.data_list[indices]), sample_idx=indices))

    def _finish(self, batch: dict, others: Compose) -> list[dict | None]:
        """The samples of a batch after the other steps; None where a step rejects a sample."""
        indices = batch['sample_idx']
        samples = self._split(batch, self.data_list[indices])
        return [others(dict(sample, sample_idx=index)) for index, sample in zip(indices, samples, strict=True)]

    def _split(self, batch: dict, sample_ids: np.ndarray) -> list[dict]:
        """Split a batch into samples: each has its part of the tensors, its metadata, and all else of the batch."""
        arrays = {key: values.cpu() for key, values in batch.items() if isinstance(values, Tensor)}
        return [
            batch | self.describe(sample_id) | {key: values[i].contiguous().numpy() for key, values in arrays.items()}
            for i, sample_id in enumerate(sample_ids)
        ]

    def _gather(self, samples: np.ndarray) -> dict:
        """Arrays (B, ...) of samples of equal length."""
        places = torch.from_numpy(np.ascontiguousarray(samples[:, :2].T, np.int64))
        if torch.device(self.device).type == 'cuda':
            places = places.pin_memory()  # a copy from unpinned memory would wait for the GPU
        videos, starts = places.to(self.device, non_blocking=True)
        count = int(samples[0, 2])
        targets = self._rows_of(videos, starts, count)
        frames = self._rows_of(videos, starts - self.frames_before, count + self.seq_len - 1)
        *inputs, target, visible = self._arrays
        inputs = [_pick(array, frames) for array in inputs]
        keypoints = inputs[0] if len(inputs) == 1 else torch.cat(inputs, dim=-1)
        cameras = {key: values[videos] for key, values in self._cameras.items()}
        return dict(
            keypoints=keypoints,
            keypoints_visible=keypoints.new_ones(()).expand(keypoints.shape[:-1]),
            lifting_target=_pick(target, targets),
            lifting_target_visible=_pick(visible, targets).float(),
            camera_param=cameras,
        )

    def _rows_of(self, videos: Tensor, starts: Tensor, frames: int) -> Tensor:
        """Rows (B, frames) of the annotation, from a position in each of B videos on; first and last are replicated."""
        rows, firsts, lengths = self._video_rows
        positions = (starts[:, None] + torch.arange(frames, device=starts.device)).clamp(min=0)
        return rows[firsts[videos, None] + torch.minimum(positions, lengths[videos, None] - 1)]

    @functools.cached_property
    def _video_rows(self) -> list[Tensor]:
        """The rows of all videos, concatenated; the position of each video's first one; and each video's length."""
        rows = [sequence.rows for sequence in self.annotation.sequences]
        lengths = np.array([len(rows_of_one) for rows_of_one in rows])
        numbers = (np.concatenate(rows), np.cumsum(lengths) - lengths, lengths)
        return [torch.from_numpy(array.astype(np.int64)).to(self.device) for array in numbers]

    @functools.cached_property
    def _arrays(self) -> list[Tensor]:
        """Inputs, target and its visibility on the device; on the CPU in the same memory."""
        arrays = [*self._inputs, self.annotation.keypoints_3d, self.annotation.keypoints_3d_visible]
        return [
            # a read-only array repeats one number, and PyTorch wants writeable ones
            torch.from_numpy(array if array.flags.writeable else array[:1, :1].copy())
            .expand(array.shape)
            .to(self.device)
            for array in arrays
        ]

    @functools.cached_property
    def _cameras(self) -> dict[str, Tensor]:
        """Parameters that all S cameras have: ``w`` and ``h`` (S,); ``f``, ``c`` and ``p`` (S, 2); ``k`` (S, 3)."""
        cameras = self.annotation.cameras
        keys = [key for key in 'whfckp' if all(key in camera for camera in cameras)]
        numbers = {key: np.stack([np.asarray(camera[key], np.float32) for camera in cameras]) for key in keys}
        return {
            key: torch.from_numpy(values if key in 'wh' else values.reshape(len(cameras), -1)).to(self.device)
            for key, values in numbers.items()
        }


def _pick(array: Tensor, rows: Tensor) -> Tensor:
    """Rows (B, T) of an array (N, ...): (B, T, ...)."""
    # index_select is faster on an array of two axes
    source = array.flatten(1) if array.is_contiguous() else array
    return source.index_select(0, rows.flatten()).view(*rows.shape, *array.shape[1:])


def _name(step: object) -> str:  # a transform's class, and its codec's
    return ' with '.join(type(part).__name__ for part in (step, getattr(step, 'encoder', None)) if part)
