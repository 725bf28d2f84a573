"""Pictures of poses and of training, in millimetres.

Of test data:

- :mod:`pose_frame`: ``PoseFrame``, what there is to draw of one frame
- :mod:`pose_strip`: fast drawing with OpenCV, image with overlay beside 3D views; ``write_pose_video``
- :mod:`pose_figure`: ``plot_pose_comparison``, frames in rows, predictions in columns
- :mod:`refinement`: ``refinement_frames``, what to draw from a refiner's results
- :mod:`training_curves`: ``plot_training_curves``, losses and validation errors of several runs
- :mod:`visualization_hook`: ``DepthPoseVisualizationHook``, pictures while testing, in MMPose's manner

Of the people of a video (:class:`depth_refine.structures.VideoPoses`):

- :mod:`overlay_video`: ``write_overlay_video``, people drawn over frames beside :mod:`scene_view`, a turning 3D view
- :mod:`pose_figure`: ``write_pose_picture``, for papers
- :mod:`report`: ``write_report``, a page with everything

Shared: :mod:`drawing`, lines and text with OpenCV; :mod:`mp4`, videos that browsers play.
"""

from .overlay_video import write_overlay_video
from .pose_figure import plot_pose_comparison, write_pose_picture
from .pose_frame import PoseFrame
from .pose_strip import write_pose_video
from .refinement import refinement_frames
from .report import write_report
from .training_curves import plot_training_curves
from .visualization_hook import DepthPoseVisualizationHook

__all__ = [
    'DepthPoseVisualizationHook',
    'PoseFrame',
    'plot_pose_comparison',
    'plot_training_curves',
    'refinement_frames',
    'write_overlay_video',
    'write_pose_picture',
    'write_pose_video',
    'write_report',
]
