"""Codecs between data sets' units (pixels, metres) and the networks' normalised coordinates."""

from .depth_sequence_lifting import DepthSequenceLifting
from .integral_pose_3d import IntegralPose3D

__all__ = ['DepthSequenceLifting', 'IntegralPose3D']
