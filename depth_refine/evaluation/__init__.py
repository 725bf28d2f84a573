"""Evaluation of 3D poses.

- :mod:`h36m_pose_metric`: ``H36MPoseMetric``, Human3.6M's protocols for either stage.
- :mod:`root_relative_poses`: what it keeps of a predicted sample.
- :mod:`pose_error_table`: what it writes into the log.
- :mod:`prediction_dump`: reads the predictions that ``tools/test.py --dump`` keeps.
"""

from .h36m_pose_metric import H36MPoseMetric

__all__ = ['H36MPoseMetric']
