"""Transforms for MMPose pipelines."""

from .estimator_noise import EstimatorNoise
from .first_stage_noise import FirstStageNoise
from .gaussian_joint_noise import GaussianJointNoise
from .load_readable_image import LoadReadableImage
from .random_sequence_flip import RandomSequenceFlip
from .sequence_target import GenerateSequenceTarget

__all__ = [
    'EstimatorNoise',
    'FirstStageNoise',
    'GaussianJointNoise',
    'GenerateSequenceTarget',
    'LoadReadableImage',
    'RandomSequenceFlip',
]
