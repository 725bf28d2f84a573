"""Pictures of poses and of training, in millimetres.

Of test data:

- :mod:`pose_frame`: ``PoseFrame``, what there is to draw of one frame
- :mod:`pose_strip`: fast drawing with OpenCV, image with overlay beside 3D views
- :mod:`pose_figure`: ``plot_pose_comparison``, frames in rows, predictions in columns
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
from .report import write_report
from .training_curves import plot_training_curves
from .visualization_hook import DepthPoseVisualizationHook

__all__ = [
    'DepthPoseVisualizationHook',
    'PoseFrame',
    'plot_pose_comparison',
    'plot_training_curves',
    'write_overlay_video',
    'write_pose_picture',
    'write_report',
]
