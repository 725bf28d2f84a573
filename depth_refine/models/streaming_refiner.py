"""The causal refiner on a stream, one frame at a time."""

import copy

import numpy as np
import torch
from torch import Tensor

from depth_refine.structures.skeleton import FLIP_INDICES
from depth_refine.utils.errors import InputError

from .depth_temporal_refiner import DepthTemporalRefiner
from .matrix_product import PackedLinear
from .temporal_convnet import TemporalConv, TemporalConvNet


class StreamingRefiner:
    """Refines the poses of a stream as they come, without delay, as the causal refiner would the whole video.

    Shape key: N people, K joints, C channels of a joint (u px, v px and, if the refiner takes it, depth m).

    Every convolution keeps the part of its own input that later frames will need, so that a frame costs one position of
    each convolution instead of a window, and memory does not grow. The first frame stands for the frames before it, as
    in :class:`H36MDepthSequenceDataset`. The flip test is done if the refiner's ``test_cfg`` says so.

    Most of the time of a frame goes into reading the weights, which all people and their mirror images share. The
    weights are copied: training the refiner further does not change them. Made under autocast, the stream is computed
    in its precision, as :class:`TemporalConvNet` is: bfloat16 weights are read in half the time.

    Args:
        refiner: a refiner with a causal :class:`TemporalConvNet`; it need not be in evaluation mode.
        image_size: width and height of the frames, px.
        num_people: N.

    Raises:
        InputError: the refiner is not causal.
    """

    @torch.no_grad()
    def __init__(self, refiner: DepthTemporalRefiner, image_size: tuple[int, int], num_people: int = 1) -> None:
        net = refiner.backbone
        if not isinstance(net, TemporalConvNet) or not net.causal:
            raise InputError(
                f'a stream needs a causal TemporalConvNet, which sees past frames only, but this refiner has a '
                f'{type(net).__name__} that sees future ones. Train with configs/refiner_causal_27.py or '
                'configs/refiner_causal_243.py, or with causal=True in the backbone and the data sets.'
            )
        self.refiner = refiner
        self.image_size = image_size
        self.num_people = num_people
        self._flip_test = bool(refiner.test_cfg.get('flip_test', False))
        rows = num_people * (2 if self._flip_test else 1)
        device = net.input_conv.conv.weight.device.type
        self._dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32
        self._input_conv = _StreamingConv(net.input_conv, 1, rows, torch.float32)
        self._blocks = [
            (
                _StreamingConv(block.conv1, net.kernel_size**i, rows, self._dtype),
                _StreamingConv(block.conv2, 1, rows, self._dtype),
            )
            for i, block in enumerate(net.blocks, start=1)
        ]
        self._head = copy.deepcopy(refiner.head)
        self._step = 0
        self._is_new = np.ones(num_people, bool)

    def reset(self, person: int | None = None) -> None:
        """Forget the past of everybody, or of one person whose place somebody else takes: the next frame is a first."""
        self._is_new[slice(None) if person is None else person] = True

    @torch.no_grad()
    def __call__(self, keypoints: np.ndarray) -> np.ndarray:
        """Refine the next frame.

        Args:
            keypoints: (N, K, C) or, of a single person, (K, C).

        Returns:
            (N, K, 3) or (K, 3) metres, root-relative, camera axes.

        Raises:
            InputError: another shape, or a number that is not finite; the frame is then as if it had not come.
        """
        keypoints = np.asarray(keypoints, np.float32)
        x = self._normalise(keypoints)
        new = np.flatnonzero(self._is_new)
        if self._flip_test:
            x = torch.cat([x, self.refiner.mirror_inputs(x[..., None], FLIP_INDICES).squeeze(-1)])
            new = np.concatenate([new, new + self.num_people])
        new = torch.from_numpy(new).to(x.device) if len(new) else None

        x = self._input_conv(x, self._step, new)
        for conv1, conv2 in self._blocks:
            x = x + conv2(conv1(x.to(self._dtype), self._step, new), self._step, new)
        self._step += 1
        self._is_new[:] = False

        poses = self._head((x[..., None],))
        if self._flip_test:
            straight, mirrored = poses.chunk(2)
            poses = (straight + self.refiner.mirror_poses(mirrored, FLIP_INDICES)) / 2
        return poses.cpu().numpy().reshape(*keypoints.shape[:-1], 3)

    def _normalise(self, keypoints: np.ndarray) -> Tensor:
        """(N, K, C) or (K, C) in pixels and metres to (N, K * C) as the codec of the refiner does it."""
        num_joints = self.refiner.num_joints
        shape = (self.num_people, num_joints, self.refiner.backbone.in_channels // num_joints)
        if keypoints.shape != shape and (self.num_people != 1 or keypoints.shape != shape[1:]):
            raise InputError(
                f'this StreamingRefiner takes frames of shape {shape} (people, joints, channels), got {keypoints.shape}'
            )
        if not np.isfinite(keypoints).all():
            raise InputError(
                'a frame has joints that are not finite, and would spoil all that follow: give the last good pose '
                'of the person instead'
            )
        width, height = self.image_size
        encoded = self._head.decoder.encode(
            keypoints.reshape(shape),
            lifting_target=np.zeros((1, num_joints, 3), np.float32),
            lifting_target_visible=np.ones((1, num_joints), np.float32),
            camera_param=dict(w=width, h=height),
        )
        device = self._head.conv.weight.device
        return torch.from_numpy(encoded['keypoint_labels'].reshape(self.num_people, -1)).to(device)


class _StreamingConv:
    """A :class:`TemporalConv` of one dilation, evaluating, and as much of its input as it needs again.

    Shape key: R rows (people, and mirrored people), W kernel size.
    """

    def __init__(self, conv: TemporalConv, dilation: int, rows: int, dtype: torch.dtype) -> None:
        weight, bias = conv.fold_norm(dtype)
        self._linear = PackedLinear(weight, bias, rows)
        (taps,) = conv.conv.kernel_size
        past = (taps - 1) * dilation
        self._offsets = torch.arange(-past, 1, dilation, device=weight.device)
        self._history = weight.new_zeros(rows, past + 1, conv.conv.in_channels)  # a ring

    def __call__(self, x: Tensor, step: int, new: Tensor | None) -> Tensor:
        """Input (R, in_channels) of frame number ``step`` to (R, out_channels); ``new`` rows have no past yet."""
        slots = self._history.shape[1]
        if new is not None:
            self._history[new] = x[new, None]
        self._history[:, step % slots] = x
        window = self._history.index_select(1, (self._offsets + step) % slots).flatten(1)
        return self._linear.relu(window)
