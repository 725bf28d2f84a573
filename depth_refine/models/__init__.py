"""Networks: the integral head (stage 1), the refiner with its temporal backbone and head (stage 2)."""

from .depth_temporal_refiner import DepthTemporalRefiner
from .integral_head_3d import IntegralHead3D
from .temporal_convnet import TemporalConvNet
from .temporal_pose_head import TemporalPoseHead

__all__ = ['DepthTemporalRefiner', 'IntegralHead3D', 'TemporalConvNet', 'TemporalPoseHead']
