"""The memory layout in which convolutions of images are fastest."""

import torch
from mmengine.hooks import Hook
from mmpose.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Keep the weights of a model of images with channels last; its feature maps follow them.

    Numbers differ by rounding only, and checkpoints fit models of either layout. docs/performance.md says what a
    training step gains.
    """

    def before_run(self, runner) -> None:
        """Lay the weights out."""
        runner.model.to(memory_format=torch.channels_last)
