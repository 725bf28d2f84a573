"""The two trained stages as functions on arrays, and a check that they fit together.

Measurements (K, 5) are those of :mod:`.people.first_stage`, for the K joints that the configs name.
"""

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from mmpose.models import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import nn

from depth_refine.models import DepthTemporalRefiner, IntegralHead3D, StreamingRefiner, optimise_for_inference
from depth_refine.structures.camera import make_camera
from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.checkpoint import check_checkpoint
from depth_refine.utils.config import load_config
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number, usable_device

from .people.first_stage import FirstStage
from .training_camera import through_training_camera
from .training_data import training_data

_CHANNELS = {'2d': [0, 1], '2d+depth': [0, 1, 2], '2d+depth+std': [0, 1, 2, 4]}  # of measurements


class IntegralFirstStage:
    """Measurements by a trained first stage of ours, a :class:`FirstStage`.

    Args:
        config: the config, or its file.
        checkpoint: its checkpoint.
        device: where to run.
        batch_size: number of crops in a batch.
        amp: run in bfloat16, see :func:`depth_refine.models.optimise_for_inference`.

    Attributes:
        skeleton: its joints.
        notes: a sentence if it was trained on boxes of another policy than it gets here.

    Raises:
        InputError: a file is missing, the config is not of a first stage, the checkpoint belongs to another one, the
            device does not exist, or the batch size is not positive.
    """

    def __init__(
        self, config: str | Path | Config, checkpoint: str | Path, device: str, batch_size: int, amp: bool = False
    ) -> None:
        device = usable_device(device)
        require_number('batch_size', batch_size, 1, whole=True)
        self.cfg = _load_config(config)
        model = MODELS.build(self.cfg.model)
        if not isinstance(model, TopdownPoseEstimator) or not isinstance(model.head, IntegralHead3D):
            raise InputError(
                f'{self.cfg.filename} is not a first stage: expected a TopdownPoseEstimator with an IntegralHead3D, as '
                f'in configs/integral_h36m.py, got a {type(model).__name__}. Are the stages in their order?'
            )
        self.skeleton = training_data(self.cfg, checkpoint).skeleton
        _check_joints(self.cfg, model.head.num_joints, self.skeleton)
        self.name, self.depth_range = str(self.cfg.filename), model.head.decoder.depth_range
        self._model = optimise_for_inference(_load_weights(model, checkpoint), device, amp)
        self._pipeline = Compose(self.cfg.test_dataloader.dataset.pipeline)
        self._batch_size = batch_size
        policy = self.cfg.test_dataloader.dataset.get('bbox_policy', 'annotation')
        note = (
            f'The first stage was trained on boxes of the policy {policy}, and here gets boxes around the visible '
            'body, which changes its results.'
        )
        self.notes = [] if policy == 'annotation' else [note]

    def __call__(self, people: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[np.ndarray]:
        """The measurements of every person, computed in batches.

        Args:
            people: images (h, w, 3) BGR and boxes (4,) x1 y1 x2 y2, px, with the margin of the network's training.

        Yields:
            (K, 5) measurements of each person, pixels of the full image.
        """
        people = iter(people)
        while batch := [self._sample(*person) for person in itertools.islice(people, self._batch_size)]:
            with torch.inference_mode():
                samples = self._model.test_step(pseudo_collate(batch))
            for found in (sample.pred_instances for sample in samples):
                columns = [found.keypoints[0], found.keypoint_scores[0], found.depth_std[0]]
                yield np.column_stack(columns).astype(np.float32)

    def _sample(self, image: np.ndarray, bbox: np.ndarray) -> dict:
        box = dict(bbox=np.asarray(bbox, np.float32)[None], bbox_score=np.ones(1, np.float32))
        return self._pipeline(dict(img=image, flip_indices=self.skeleton.flip_indices, **box))


class SecondStage:
    """Refined 3D poses by a trained second stage.

    Args:
        config: the config, or its file.
        checkpoint: its checkpoint.
        device: where to run.
        amp: run in bfloat16, see :func:`depth_refine.models.optimise_for_inference`.

    Attributes:
        model: the network as trained.
        skeleton: its joints.
        cameras: of the training, see :func:`depth_refine.structures.camera.normalised_cameras`.
        depth_range: metres that the depths of its training cover, or None if it reads no depths.
        rate: frame rate of the training, 1 / s.
        notes: sentences on what is assumed because the checkpoint does not say it.
        reads_std: whether standard deviations of depths are among its inputs.
        is_causal: whether an output depends on its own frame and earlier ones only.

    Raises:
        InputError: a file is missing, the config is not of a refiner, its network and its data set differ in their
            inputs or in being causal, the checkpoint belongs to another one, or the device does not exist.
    """

    def __init__(self, config: str | Path | Config, checkpoint: str | Path, device: str, amp: bool = False) -> None:
        device = usable_device(device)
        self.cfg = _load_config(config)
        model = MODELS.build(self.cfg.model)
        if not isinstance(model, DepthTemporalRefiner):
            raise InputError(
                f'{self.cfg.filename} is not a second stage: expected a DepthTemporalRefiner, as in '
                f'configs/refiner_243.py, got a {type(model).__name__}. Are the stages in their order?'
            )
        dataset = self.cfg.test_dataloader.dataset
        training = training_data(self.cfg, checkpoint)
        self.skeleton, self.rate, self.cameras = training.skeleton, training.frame_rate, training.cameras
        self.notes = training.notes
        _check_joints(self.cfg, model.num_joints, self.skeleton)
        self._codec = model.head.decoder
        self.depth_range = model.head.decoder.depth_range if 'depth' in dataset.input_source else None
        self.is_causal = dataset.get('causal', False)
        if self.is_causal != getattr(model.backbone, 'causal', False):
            kinds = ('not causal', 'causal') if self.is_causal else ('causal', 'not causal')
            raise InputError(
                f'{self.cfg.filename}: its network is {kinds[0]}, and its test data set {kinds[1]}: expected the same '
                'causal=... in the backbone and in the data sets, as in configs/refiner_causal_27.py'
            )
        # a refiner trained on ground-truth inputs takes predicted ones, too
        self._channels = _CHANNELS[dataset.input_source.replace('gt', '')]
        self.reads_std = 4 in self._channels
        self._clip_len = dataset.get('clip_len')
        self._amp = amp
        self.model = _load_weights(model, checkpoint).to(device)  # stream() needs it unfused
        self._optimised = optimise_for_inference(copy.deepcopy(self.model), device, amp)
        self._pipeline = Compose(dataset.pipeline)
        try:
            self(np.zeros((1, self.skeleton.num_joints, 5), np.float32), make_camera((1, 1))[0])
        except ValueError as error:
            raise InputError(
                f'{self.cfg.filename}: its network does not take its input_source {dataset.input_source!r}: {error}'
            ) from error

    def __call__(self, measurements: np.ndarray, camera: dict) -> np.ndarray:
        """Refined poses of one track, whose ends are padded with its first and last frames, as in testing.

        Args:
            measurements: (T, K, 5) at :attr:`rate` frames a second.
            camera: of the video, see :func:`make_camera`.

        Returns:
            (T, K, 3) root-relative metres, camera axes.
        """
        length = self._clip_len or len(measurements)
        clips = [measurements[start : start + length] for start in range(0, len(measurements), length)]
        with torch.inference_mode():
            samples = [self._optimised.test_step(pseudo_collate([self._encode(clip, camera)]))[0] for clip in clips]
        return np.concatenate([sample.pred_instances.keypoints for sample in samples]).astype(np.float32)

    def stream(self, camera: dict) -> Callable[[np.ndarray], np.ndarray]:
        """A new stream: a function from one person's measurements (K, 5), frame by frame, to refined poses (K, 3).

        Raises:
            InputError: the refiner is not causal.
        """
        _, camera_param = self._keypoints(np.zeros((self.skeleton.num_joints, 5), np.float32), camera)
        refiner = StreamingRefiner(self.model, camera_param, amp=self._amp, flip_indices=self.skeleton.flip_indices)
        return lambda measurements: refiner(self._keypoints(measurements, camera)[0])

    def _encode(self, measurements: np.ndarray, camera: dict) -> dict:
        """The network's packed inputs: T frames of measurements, padded by the receptive field - 1 and normalised."""
        frames, field = len(measurements), self.model.receptive_field
        before = field - 1 if self.is_causal else field // 2
        rows = np.arange(-before, frames + field - 1 - before).clip(0, frames - 1)
        visible = np.ones((len(rows), self.skeleton.num_joints), np.float32)
        keypoints, camera_param = self._keypoints(measurements[rows], camera)
        return self._pipeline(
            dict(
                keypoints=keypoints,
                keypoints_visible=visible,
                lifting_target=np.zeros((frames, self.skeleton.num_joints, 3), np.float32),  # PackPoseInputs needs one
                lifting_target_visible=visible[:frames],
                camera_param=camera_param,
                flip_indices=self.skeleton.flip_indices,
                root_index=self.skeleton.root,
                target_img_path=[''] * frames,
                frames=np.arange(frames),
                test_mode=True,
            )
        )

    def _keypoints(self, measurements: np.ndarray, camera: dict) -> tuple[np.ndarray, dict]:
        """The channels of measurements (..., K, 5) that the refiner reads, and the camera that its codec needs."""
        pixels, camera_param = measurements[..., :2], camera
        if getattr(self._codec, 'normalisation', 'image_width') == 'image_width':
            pixels, camera_param = through_training_camera(pixels, camera, self.cameras)
        return np.concatenate([pixels, measurements[..., 2:]], axis=-1)[..., self._channels], camera_param


def check_fit(first: FirstStage, second: SecondStage) -> None:
    """Check that the second stage can read what the first one measures.

    Raises:
        InputError: their joints differ, or the second reads depths of another range, or standard deviations that the
            first does not give.
    """
    fault, skeletons = None, (first.skeleton, second.skeleton)
    if skeletons[0] != skeletons[1]:
        joints = [f'{list(s.joint_names)}, root {s.joint_names[s.root]!r}' for s in skeletons]
        fault = f'expected the same joints in both, got {joints[0]} and {joints[1]}'
    elif second.reads_std and not isinstance(first, IntegralFirstStage):
        fault = 'the second reads standard deviations of depths, which the first does not give'
    elif first.depth_range is not None and second.depth_range not in (None, first.depth_range):
        fault = (
            f'the first gives depths in a range of {first.depth_range:g} m, the second was trained on '
            f'{second.depth_range:g} m. Use a refiner trained on this first stage.'
        )
    if fault:
        raise InputError(f'{first.name} and {second.cfg.filename} do not fit together: {fault}')


def _check_joints(cfg: Config, num_joints: int, skeleton: Skeleton) -> None:
    """Check that a model has as many joints as its data; raises an InputError."""
    if num_joints != skeleton.num_joints:
        raise InputError(
            f'{cfg.filename}: its model has num_joints={num_joints}, and the metainfo of its test data set '
            f'{skeleton.num_joints} joints'
        )


def _load_config(config: str | Path | Config) -> Config:
    cfg = config if isinstance(config, Config) else load_config(str(config), {})
    missing = [key for key in ('model', 'test_dataloader') if key not in cfg]
    if missing:
        raise InputError(f'{cfg.filename} has no {" and no ".join(missing)}: expected a config as in configs/')
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    return cfg


def _load_weights(model: nn.Module, checkpoint: str | Path) -> nn.Module:
    check_checkpoint(model, checkpoint)
    load_checkpoint(model, str(checkpoint), map_location='cpu', logger='silent')
    return model.eval()
