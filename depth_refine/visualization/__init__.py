"""Pictures of poses and of training, in millimetres.

- :mod:`pose_frame`: ``PoseFrame``, what there is to draw of one frame
- :mod:`pose_strip`: fast drawing with OpenCV: image with overlay beside 3D views
- :mod:`pose_figure`: ``plot_pose_comparison``, frames in rows, predictions in columns
- :mod:`refinement`: ``refinement_frames``, what to draw from a refiner's results
- :mod:`training_curves`: ``plot_training_curves``, losses and validation errors of several runs
- :mod:`video`: ``write_pose_video``
- :mod:`visualization_hook`: ``DepthPoseVisualizationHook``, pictures while testing, in MMPose's manner
"""

from .pose_figure import plot_pose_comparison
from .pose_frame import PoseFrame
from .refinement import refinement_frames
from .training_curves import plot_training_curves
from .video import write_pose_video
from .visualization_hook import DepthPoseVisualizationHook

__all__ = [
    'DepthPoseVisualizationHook',
    'PoseFrame',
    'plot_pose_comparison',
    'plot_training_curves',
    'refinement_frames',
    'write_pose_video',
]
