"""From other projects' files to ours.

- ``temporal_checkpoint``: VideoPose3D's and MMPose's temporal networks to the refiner on 2D poses
- ``predictions_import``: per-frame predictions of any estimator, which ``prediction_files`` reads, to a depth sequence
  store; wrong units and axes are refused
"""

from .predictions_import import Origin, import_predictions
from .temporal_checkpoint import CONFIG, convert_checkpoint

__all__ = ['CONFIG', 'Origin', 'convert_checkpoint', 'import_predictions']
