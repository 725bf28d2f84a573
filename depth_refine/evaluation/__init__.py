"""Evaluation of 3D poses.

- :mod:`h36m_pose_metric`: ``H36MPoseMetric``, Human3.6M's protocols for either stage.
"""

from .h36m_pose_metric import H36MPoseMetric

__all__ = ['H36MPoseMetric']
