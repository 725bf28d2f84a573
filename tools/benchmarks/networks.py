"""The networks that are measured: ours and its peers', of one size, with random weights."""

import math
from collections.abc import Callable

import torch
from mmengine.hub import get_config
from mmpose.registry import MODELS
from torch import nn

from depth_refine.models import DepthTemporalRefiner

from .setup import Setup

JOINTS, CHANNELS_IN, FIELD = 17, 3, 243
REFINER_CONFIG = 'refiner_243.py'
MMPOSE_CONFIG = 'mmpose::body_3d_keypoint/video_pose_lift/h36m/video-pose-lift_tcn-243frm-supv_8xb128-160e_h36m.py'


def build_refiner(setup: Setup, channels: int, config: str = REFINER_CONFIG) -> DepthTemporalRefiner:
    """Ours, from a config."""
    cfg = setup.config(config).model
    cfg.backbone.channels = cfg.head.in_channels = channels
    return MODELS.build(cfg).to(setup.device)


def build_videopose3d(setup: Setup, name: str, channels: int) -> nn.Module:
    """VideoPose3D's dilated ``TemporalModel``, or strided ``TemporalModelOptimized1f``."""
    build = getattr(setup.peer('model'), name)
    return build(JOINTS, CHANNELS_IN, JOINTS, filter_widths=[3] * 5, dropout=0.25, channels=channels).to(setup.device)


def build_mmpose(setup: Setup, channels: int) -> nn.Module:
    """MMPose's lifter of 243 frames, with our three channels a joint."""
    cfg = get_config(MMPOSE_CONFIG).model
    cfg.backbone.update(in_channels=JOINTS * CHANNELS_IN, stem_channels=channels)
    cfg.head.in_channels = channels
    return MODELS.build(cfg).to(setup.device)


def bfloat16(device: str) -> torch.autocast:
    """Autocast as training and testing with ``--amp`` have it on CPUs."""
    return torch.autocast(device, dtype=torch.bfloat16)


def count_flops(work: Callable[[], object]) -> int:
    """Floating-point operations of all matrix products and convolutions of a piece of work."""
    from torch.utils.flop_counter import FlopCounterMode  # brings 70 MB, which all processes measured alone would have

    with FlopCounterMode(display=False, custom_mapping=_UNKNOWN) as counter:
        work()
    return counter.get_total_flops()


def _linear_flops(x_shape: tuple, weight_shape: tuple, *_, **__) -> int:
    """Operations of (..., k) times (m, k)."""
    return 2 * math.prod(x_shape) * weight_shape[0]


# which PyTorch's counter does not know
_UNKNOWN = {torch.ops.mkldnn._linear_pointwise: _linear_flops} if hasattr(torch.ops.mkldnn, '_linear_pointwise') else {}
