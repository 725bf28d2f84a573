"""Other projects' weights and predictions, converted to ours.

- ``temporal_checkpoint``: VideoPose3D's and MMPose's temporal networks as refiners of 2D poses; ``network_joints``:
  the joints that they read
- ``prediction_files``, ``prediction_persons``: files with per-frame predictions of any estimator; ``field_names``:
  names of their columns and keys; ``detections``: classes and scores; ``joint_orders``: their joints to Human3.6M's;
  ``depths``: their units
- ``video_predictions``: predictions of one video, for :mod:`depth_refine.inference.predictions`
- ``predictions_import``: predictions of all videos of an annotation, as a depth sequence store; ``annotation_checks``,
  ``other_readings``: comparison with the annotation
"""

from .predictions_import import Origin, import_predictions
from .temporal_checkpoint import CONFIG, FRAME_RATE, convert_checkpoint
from .video_predictions import Predictions, read_predictions

__all__ = [
    'CONFIG',
    'FRAME_RATE',
    'Origin',
    'Predictions',
    'convert_checkpoint',
    'import_predictions',
    'read_predictions',
]
