"""Batch-norm momentum schedule of the second stage."""

from mmengine.hooks import Hook
from mmpose.registry import HOOKS
from torch.nn.modules.batchnorm import _BatchNorm

from depth_refine.utils.options import require_number


@HOOKS.register_module()
class BatchNormMomentumHook(Hook):
    """Decay the momentum of every batch norm exponentially with the epochs, as Pavllo et al. (CVPR 2019) do.

    Args:
        start: momentum in the first epoch.
        end: momentum that an epoch after the last would have.

    Example:
        In a config:

            custom_hooks = [dict(type='BatchNormMomentumHook', start=0.1, end=0.001)]
    """

    def __init__(self, start: float = 0.1, end: float = 0.001) -> None:
        require_number('start of BatchNormMomentumHook', start, 1e-9, 1)
        require_number('end of BatchNormMomentumHook', end, 0, 1)
        self.start = start
        self.end = end

    def before_train_epoch(self, runner) -> None:
        """Set the epoch's momentum."""
        momentum = self.start * (self.end / self.start) ** (runner.epoch / runner.max_epochs)
        for module in runner.model.modules():
            if isinstance(module, _BatchNorm):
                module.momentum = momentum
