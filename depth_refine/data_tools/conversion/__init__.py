"""From other projects' files to ours.

- ``temporal_checkpoint``: VideoPose3D's and MMPose's temporal networks to the refiner on 2D poses
- ``predictions_import``: per-frame predictions of any estimator to a depth sequence store; wrong units and axes are
  refused. Its parts: ``prediction_files`` reads files, ``keypoint_orders`` maps joints to Human3.6M's 17
"""

from .predictions_import import Origin, import_predictions
from .temporal_checkpoint import RefinerShape, convert_checkpoint

__all__ = ['Origin', 'RefinerShape', 'convert_checkpoint', 'import_predictions']
