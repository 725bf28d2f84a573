"""Hook for the memory layout in which convolutions of images are fastest."""

import torch
from mmengine.hooks import Hook
from mmpose.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Store the weights of an image model with channels last; its feature maps then have that layout too.

    Numbers differ by rounding only, and checkpoints fit models of either layout. docs/performance.md says what a
    training step gains.

    Example:
        In a config:

            custom_hooks = [dict(type='ChannelsLastHook')]
    """

    def before_run(self, runner) -> None:
        """Set the memory format of the weights."""
        runner.model.to(memory_format=torch.channels_last)
