"""Transforms for MMPose pipelines."""

from .first_stage_noise import FirstStageNoise
from .gaussian_joint_noise import GaussianJointNoise
from .load_readable_image import LoadReadableImage

__all__ = ['FirstStageNoise', 'GaussianJointNoise', 'LoadReadableImage']
