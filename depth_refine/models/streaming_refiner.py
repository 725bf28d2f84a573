"""The causal refiner on a stream, one frame at a time."""

import copy
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from depth_refine.utils.errors import InputError

from .depth_temporal_refiner import DepthTemporalRefiner
from .frame_conv import FrameConv1d
from .inference_optimization import optimise_for_inference
from .temporal_convnet import TemporalConvNet


class StreamingRefiner:
    """Refines a stream frame by frame, without delay, with the results of the causal refiner on the whole video.

    Shape key: N people, K joints, C channels of a joint (u px, v px and, if the refiner takes it, depth m).

    Every convolution keeps the part of its own input that later frames will need, so that a frame costs one position of
    each convolution instead of a window, and memory does not grow. The first frame stands for the frames before it, as
    in :class:`DepthSequenceDataset`. The flip test is done if the refiner's ``test_cfg`` says so.

    A frame takes most of its time for reading the weights, which all people and their mirror images share. The weights
    are copied: training the refiner further does not change them.

    Args:
        refiner: a refiner with a causal :class:`TemporalConvNet`; it need not be in evaluation mode.
        camera_param: of the frames, as in the samples of a data set: ``w`` and ``h`` px; the refiner's codec asks for
            ``f``, ``c`` px, ``k`` and ``p`` too if it normalises by rays.
        num_people: N.
        amp: compute in bfloat16, as in :func:`optimise_for_inference`; weights are then read in half the time.
        flip_indices: K symmetric counterparts, needed by the flip test.

    Raises:
        InputError: the refiner is not causal or its head has no codec; the codec needs more of the camera; the flip
            test needs the counterpart of each joint.

    Example:
        >>> import numpy as np
        >>> from depth_refine.models import DepthTemporalRefiner, StreamingRefiner
        >>> codec = dict(type='DepthSequenceLifting', num_keypoints=13)
        >>> backbone = dict(type='TemporalConvNet', in_channels=13 * 3, channels=64, num_blocks=2, causal=True)
        >>> head = dict(type='TemporalPoseHead', in_channels=64, num_joints=13, decoder=codec)
        >>> refiner = DepthTemporalRefiner(backbone, head, num_joints=13)
        >>> stream = StreamingRefiner(refiner, camera_param=dict(w=640, h=480))
        >>> stream(np.zeros((13, 3))).shape  # one frame: u px, v px, depth m
        (13, 3)
    """

    @torch.no_grad()
    def __init__(
        self,
        refiner: DepthTemporalRefiner,
        camera_param: dict,
        num_people: int = 1,
        amp: bool = False,
        flip_indices: Sequence[int] | None = None,
    ) -> None:
        if not getattr(refiner.backbone, 'causal', False) or not isinstance(refiner.backbone, TemporalConvNet):
            raise InputError(
                f'a stream needs a causal TemporalConvNet, which sees past frames only, but this refiner has a '
                f'{type(refiner.backbone).__name__} that sees future ones. Train with configs/refiner_causal_27.py or '
                'configs/refiner_causal_243.py, or with causal=True in the backbone and the data sets.'
            )
        if getattr(refiner.head, 'decoder', None) is None:
            raise InputError("a stream needs a decoder in the refiner's head, the codec that normalises its frames")
        self._flip_test = bool(refiner.test_cfg.get('flip_test', False))
        self._flip_indices = None if flip_indices is None else [int(joint) for joint in flip_indices]
        if self._flip_test and sorted(self._flip_indices or ()) != list(range(refiner.num_joints)):
            raise InputError(
                f'the flip test of a stream needs flip_indices, the mirror image of each of the {refiner.num_joints} '
                f'joints, got {self._flip_indices}: give those of the skeleton, or test_cfg=dict(flip_test=False)'
            )
        self._device = next(refiner.parameters()).device
        self.refiner = optimise_for_inference(copy.deepcopy(refiner), amp=amp)
        self.camera_param = camera_param
        self.num_people = num_people
        rows = num_people * (2 if self._flip_test else 1)
        net = self.refiner.backbone
        self._input_conv = _StreamingConv(net.input_conv.conv, 1, rows)
        self._blocks = [
            (_StreamingConv(block.conv1.conv, net.kernel_size**i, rows), _StreamingConv(block.conv2.conv, 1, rows))
            for i, block in enumerate(net.blocks, start=1)
        ]
        self._step = 0
        self._is_new = np.ones(num_people, bool)
        self._normalise(np.zeros(self._shape, np.float32))  # refuses a camera that the codec cannot use

    def reset(self, person: int | None = None) -> None:
        """Forget the past of everybody, or of one person who is replaced by another: the next frame is their first."""
        self._is_new[slice(None) if person is None else person] = True

    @torch.no_grad()
    def __call__(self, keypoints: np.ndarray) -> np.ndarray:
        """Refine the next frame.

        Args:
            keypoints: (N, K, C) or, of a single person, (K, C).

        Returns:
            (N, K, 3) or (K, 3) metres, root-relative, camera axes.

        Raises:
            InputError: the frame has another shape, or a number that is not finite. The stream does not change then.
        """
        keypoints = np.asarray(keypoints, np.float32)
        x = self._normalise(keypoints)
        new = np.flatnonzero(self._is_new)
        if self._flip_test:
            x = torch.cat([x, self.refiner.mirror(x, self._flip_indices)])
            new = np.concatenate([new, new + self.num_people])
        new = torch.from_numpy(new).to(self._device) if len(new) else None

        x = self._input_conv(x.flatten(1), self._step, new)
        for conv1, conv2 in self._blocks:
            x = x + conv2(conv1(x, self._step, new), self._step, new)
        self._step += 1
        self._is_new[:] = False

        poses = self.refiner.head(x[:, None])[:, 0]
        if self._flip_test:
            straight, mirrored = poses.chunk(2)
            poses = (straight + self.refiner.mirror(mirrored, self._flip_indices)) / 2
        poses, _ = self.refiner.head.decoder.decode(poses.cpu().numpy())
        return poses.reshape(*keypoints.shape[:-1], 3)

    @property
    def _shape(self) -> tuple[int, int, int]:
        """N, K and C."""
        num_joints = self.refiner.num_joints
        return self.num_people, num_joints, self.refiner.backbone.in_channels // num_joints

    def _normalise(self, keypoints: np.ndarray) -> Tensor:
        """(N, K, C) or (K, C) in pixels and metres to (N, K, C), normalised by the refiner's codec."""
        shape = self._shape
        if keypoints.shape != shape and (self.num_people != 1 or keypoints.shape != shape[1:]):
            raise InputError(
                f'this StreamingRefiner takes frames of shape {shape} (people, joints, channels), got {keypoints.shape}'
            )
        if not np.isfinite(keypoints).all():
            raise InputError(
                'a frame has joints that are not finite, and would spoil all that follow: give the last good pose '
                'of the person instead'
            )
        encoded = self.refiner.head.decoder.encode(
            keypoints.reshape(shape),
            lifting_target=np.zeros((1, shape[1], 3), np.float32),
            lifting_target_visible=np.ones((1, shape[1]), np.float32),
            camera_param=self.camera_param,
        )
        return torch.as_tensor(encoded['keypoint_labels'], device=self._device)


class _StreamingConv:
    """A folded convolution with a ReLU, and a ring buffer of the input that it needs again.

    Shape key: R rows (people, and mirrored people), W kernel size.
    """

    def __init__(self, conv: FrameConv1d, dilation: int, rows: int) -> None:
        self._weight, self._bias = conv.weight.transpose(1, 2).flatten(1), conv.bias  # (out_channels, W * in_channels)
        (taps,) = conv.kernel_size
        past = (taps - 1) * dilation
        self._offsets = torch.arange(-past, 1, dilation, device=conv.weight.device)
        self._history = conv.weight.new_zeros(rows, past + 1, conv.in_channels)

    def __call__(self, x: Tensor, step: int, new: Tensor | None) -> Tensor:
        """Input (R, in_channels) of frame number ``step`` to (R, out_channels); ``new`` rows have no past yet."""
        x = x.to(self._history.dtype)
        slots = self._history.shape[1]
        if new is not None:
            self._history[new] = x[new, None]
        self._history[:, step % slots] = x
        window = self._history.index_select(1, (self._offsets + step) % slots).flatten(1)
        return F.linear(window, self._weight, self._bias).relu_()
