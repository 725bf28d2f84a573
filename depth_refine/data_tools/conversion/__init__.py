"""From other projects' files to ours.

- ``temporal_checkpoint``: VideoPose3D's and MMPose's temporal networks to the refiner on 2D poses;
  ``network_joints``: which joints they take
- ``prediction_files``, ``prediction_persons``: per-frame predictions of any estimator; ``field_names``: as people write
  them; ``joint_orders``: from its joints to Human3.6M's; ``depths``: units
- ``video_predictions``: those of one video, for :func:`depth_refine.inference.predicted_people`
- ``predictions_import``: those of all videos of an annotation, to a depth sequence store
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
