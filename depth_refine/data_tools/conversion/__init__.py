"""From other projects' files to ours.

- ``temporal_checkpoint``: VideoPose3D's and MMPose's temporal networks to the refiner on 2D poses
- ``predictions_import``: per-frame predictions of any estimator to a depth sequence store. Its parts:
  ``prediction_files`` reads files, ``keypoint_orders`` maps joints to Human3.6M's 17, ``plausibility`` refuses wrong
  units and axes
"""

from .predictions_import import Origin, import_predictions
from .temporal_checkpoint import RefinerShape, convert_checkpoint

__all__ = ['Origin', 'RefinerShape', 'convert_checkpoint', 'import_predictions']
