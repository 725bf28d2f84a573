"""Running things: training hooks, mixed precision on CPUs, checkpoint checks, extraction, what the tools share."""

from .batch_norm_momentum_hook import BatchNormMomentumHook
from .bounded_history_hook import BoundedHistoryHook
from .checkpoint import check_checkpoint, latest_checkpoint, resume_latest
from .cpu_amp_optim_wrapper import CpuAmpOptimWrapper
from .epoch_seed_hook import EpochSeedHook
from .extraction import extract_depth_sequences
from .inference_optimization import optimise_for_inference
from .non_finite_guard_hook import NonFiniteGuardHook
from .whole_checkpoint_hook import WholeCheckpointHook

__all__ = [
    'BatchNormMomentumHook',
    'BoundedHistoryHook',
    'CpuAmpOptimWrapper',
    'EpochSeedHook',
    'NonFiniteGuardHook',
    'WholeCheckpointHook',
    'check_checkpoint',
    'extract_depth_sequences',
    'latest_checkpoint',
    'optimise_for_inference',
    'resume_latest',
]
