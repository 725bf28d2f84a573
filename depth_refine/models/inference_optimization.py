"""The fast form of a trained network for inference: folded batch norm, channels last, bfloat16."""

import torch
from mmpose.models.pose_estimators.base import BasePoseEstimator
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .depth_temporal_refiner import DepthTemporalRefiner
from .frame_conv import FrameConv1d
from .temporal_convnet import TemporalConvNet

_CONVOLUTIONS = nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d


def optimise_for_inference(
    model: BasePoseEstimator, device: str | torch.device | None = None, amp: bool = False
) -> BasePoseEstimator:
    """Prepare a pose estimator for prediction alone; it is changed and returned.

    Batch norms are folded into the convolutions before them, and weights are stored with channels last. With ``amp``
    weights are cast to bfloat16 once, instead of at each call as by autocast. A refiner's head stays in float32, and so
    do the first layer and the residuals of a :class:`TemporalConvNet`: in bfloat16 the rounding errors of all blocks
    would add up in them. On GPUs cuDNN chooses its convolutions by timing them, once for each shape.

    Outputs differ from the plain model's by rounding only: without ``amp`` by less than 1e-3 px and 1e-5 m; what
    ``amp`` costs is in ``docs/performance.md``.

    Args:
        model: a :class:`mmpose.models.TopdownPoseEstimator` or a :class:`DepthTemporalRefiner`, in which, as in
            ResNet, MMPose's heads and our networks, a batch norm that follows a convolution in the order of declaration
            also follows it in the computation.
        device: the device to run on; by default the model's own.
        amp: cast weights to bfloat16, which cannot be undone.

    Returns:
        ``model``, evaluating, on ``device``.

    Example:
        >>> import torch
        >>> from depth_refine.models import DepthTemporalRefiner, optimise_for_inference
        >>> backbone = dict(type='TemporalConvNet', in_channels=13 * 3, channels=64, num_blocks=2)
        >>> head = dict(type='TemporalPoseHead', in_channels=64, num_joints=13)
        >>> refiner = optimise_for_inference(DepthTemporalRefiner(backbone, head, num_joints=13))
        >>> with torch.no_grad():
        ...     refiner(torch.zeros(1, 100, 13, 3)).shape
        torch.Size([1, 74, 13, 3])
    """
    device = torch.device(device or next(model.parameters()).device)
    model.to(device).eval()
    _fold_batch_norm(model)
    if isinstance(model, DepthTemporalRefiner):
        for layer in model.modules():
            if isinstance(layer, FrameConv1d):  # channels last, as its frames
                layer.weight.data = layer.weight.transpose(1, 2).contiguous().transpose(1, 2)
        if amp:
            is_ours = isinstance(model.backbone, TemporalConvNet)
            for part in model.backbone.blocks if is_ours else [model.backbone]:
                _run_in_bfloat16(part.conv1 if is_ours else part)
                part.to(torch.bfloat16)
    else:
        model.backbone.to(memory_format=torch.channels_last)
        model.head.to(memory_format=torch.channels_last)
        model.backbone.register_forward_pre_hook(_channels_last)
        if amp:
            _run_in_bfloat16(model.backbone)
            model.head.to(torch.bfloat16)
    if device.type == 'cuda':
        torch.backends.cudnn.benchmark = True
    return model


def _run_in_bfloat16(module: nn.Module) -> None:
    module.to(torch.bfloat16).register_forward_pre_hook(_bfloat16)


def _bfloat16(_: nn.Module, inputs: tuple) -> tuple:
    return inputs[0].to(torch.bfloat16), *inputs[1:]


def _channels_last(_: nn.Module, inputs: tuple) -> tuple:
    return (inputs[0].contiguous(memory_format=torch.channels_last),)


def _fold_batch_norm(module: nn.Module) -> None:
    """Fold each batch norm declared directly after a convolution into it, anywhere in ``module``."""
    convolution = None
    for name, child in list(module.named_children()):
        if convolution is not None and isinstance(child, _BatchNorm) and child.track_running_stats:
            convolution_name, convolution = convolution
            transpose = isinstance(convolution, nn.ConvTranspose2d)
            setattr(module, convolution_name, fuse_conv_bn_eval(convolution, child, transpose))
            setattr(module, name, nn.Identity().eval())
        is_known = isinstance(child, _CONVOLUTIONS) and (child.groups == 1 or not isinstance(child, nn.ConvTranspose2d))
        convolution = (name, child) if is_known else None  # PyTorch's fusion does not know grouped deconvolutions
        _fold_batch_norm(child)
