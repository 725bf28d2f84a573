"""A trained first stage made fast: folded batch norm, channels last, bfloat16."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval


def optimise_for_inference(model: nn.Module, device: str | torch.device = 'cpu', amp: bool = False) -> nn.Module:
    """Prepare a pose estimator for prediction alone; it is changed and returned.

    Batch norms are folded into the convolutions before them, weights and images are kept with channels last, and with
    ``amp`` they are cast to bfloat16 once, instead of at each call as by autocast. The coordinates are computed in
    float32 either way. On GPUs cuDNN chooses its convolutions by timing them, once for each shape.

    Keypoints differ from the plain model's by rounding only: without ``amp`` by less than 1e-3 px and 1e-5 m; what
    ``amp`` costs is in ``docs/performance.md``.

    Args:
        model: a :class:`mmpose.models.TopdownPoseEstimator` in which, as in ResNet and MMPose's heads, a batch norm
            that follows a convolution in the order of declaration also follows it in the computation.
        device: where it will run.
        amp: bfloat16.

    Returns:
        ``model``, evaluating, on ``device``.
    """
    model.to(device).eval()
    _fold_batch_norm(model)
    dtype = torch.bfloat16 if amp else torch.float32
    for name, part in model.named_children():
        if name != 'data_preprocessor':  # normalises in float32
            part.to(dtype=dtype, memory_format=torch.channels_last)
    model.backbone.register_forward_pre_hook(
        lambda backbone, images: (images[0].to(dtype=dtype, memory_format=torch.channels_last),)
    )
    if torch.device(device).type == 'cuda':
        torch.backends.cudnn.benchmark = True
    return model


def _fold_batch_norm(module: nn.Module) -> None:
    """Fold each batch norm declared directly after a convolution into it, anywhere in ``module``."""
    convolution = None
    for name, child in list(module.named_children()):
        if convolution is not None and isinstance(child, _BatchNorm):
            convolution_name, convolution = convolution
            transpose = isinstance(convolution, nn.ConvTranspose2d)
            setattr(module, convolution_name, fuse_conv_bn_eval(convolution, child, transpose))
            setattr(module, name, nn.Identity())
        convolution = (name, child) if isinstance(child, nn.Conv2d | nn.ConvTranspose2d) else None
        _fold_batch_norm(child)
