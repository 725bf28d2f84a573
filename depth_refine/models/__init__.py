"""Networks: the integral head (stage 1), the refiner, its temporal backbone and head (stage 2), a graph backbone."""

from .depth_temporal_refiner import DepthTemporalRefiner
from .inference_optimization import optimise_for_inference
from .integral_head_3d import IntegralHead3D
from .spatial_temporal_graph_net import SpatialTemporalGraphNet
from .streaming_refiner import StreamingRefiner
from .temporal_convnet import TemporalConvNet
from .temporal_pose_head import TemporalPoseHead

__all__ = [
    'DepthTemporalRefiner',
    'IntegralHead3D',
    'SpatialTemporalGraphNet',
    'StreamingRefiner',
    'TemporalConvNet',
    'TemporalPoseHead',
    'optimise_for_inference',
]
