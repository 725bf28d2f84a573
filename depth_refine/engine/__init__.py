"""Training hooks and optimiser wrappers."""

from .batch_norm_momentum_hook import BatchNormMomentumHook
from .channels_last_hook import ChannelsLastHook
from .cpu_amp_optim_wrapper import CpuAmpOptimWrapper
from .dataset_meta_hook import DatasetMetaHook
from .epoch_seed_hook import EpochSeedHook
from .non_finite_guard_hook import NonFiniteGuardHook
from .resume_hook import ResumeHook
from .whole_checkpoint_hook import WholeCheckpointHook

__all__ = [
    'BatchNormMomentumHook',
    'ChannelsLastHook',
    'CpuAmpOptimWrapper',
    'DatasetMetaHook',
    'EpochSeedHook',
    'NonFiniteGuardHook',
    'ResumeHook',
    'WholeCheckpointHook',
]
