"""Evaluation of 3D poses.

- :mod:`depth_pose_metric`: ``DepthPoseMetric``, Human3.6M's protocols for either stage and any skeleton.
- :mod:`h36m_pose_metric`: ``H36MPoseMetric``, the same on Human3.6M, as in published tables.
- :mod:`mpi_inf_3dhp_metric`: ``MPIINF3DHPMetric``, PCK, AUC and MPJPE of MPI-INF-3DHP.
- :mod:`root_relative_poses`: the poses that metrics keep of a predicted sample.
- :mod:`protocol_errors`: the errors of Human3.6M's protocols, per action.
- :mod:`pose_error_table`: the tables and rules that metrics log.
- :mod:`prediction_dump`: reads the predictions that ``tools/test.py --dump`` writes.
"""

from .depth_pose_metric import DepthPoseMetric
from .h36m_pose_metric import H36MPoseMetric
from .mpi_inf_3dhp_metric import MPIINF3DHPMetric

__all__ = ['DepthPoseMetric', 'H36MPoseMetric', 'MPIINF3DHPMetric']
