"""Running things: training hooks, mixed precision on CPUs, checkpoint checks, extraction, what the tools share."""

from .batch_norm_momentum_hook import BatchNormMomentumHook
from .checkpoint import check_checkpoint
from .cpu_amp_optim_wrapper import CpuAmpOptimWrapper
from .extraction import extract_depth_sequences
from .inference_optimization import optimise_for_inference

__all__ = [
    'BatchNormMomentumHook',
    'CpuAmpOptimWrapper',
    'check_checkpoint',
    'extract_depth_sequences',
    'optimise_for_inference',
]
