"""Transforms for MMPose pipelines."""

from .gaussian_joint_noise import GaussianJointNoise
from .load_readable_image import LoadReadableImage

__all__ = ['GaussianJointNoise', 'LoadReadableImage']
