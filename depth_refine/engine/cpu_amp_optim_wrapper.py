"""Mixed precision on CPUs."""

from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmpose.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class CpuAmpOptimWrapper(OptimWrapper):
    """bfloat16 autocast for CPUs, where mmengine's ``AmpOptimWrapper`` refuses to work.

    bfloat16 has float32's range, so the loss is not scaled. Only processors with bfloat16 instructions gain from it.

    Example:
        In a config:

            optim_wrapper = dict(type='CpuAmpOptimWrapper', optimizer=dict(type='Adam', lr=1e-3))
    """

    @contextmanager
    def optim_context(self, model):
        """Run the forward pass under autocast."""
        with super().optim_context(model), torch.autocast('cpu', dtype=torch.bfloat16):
            yield
