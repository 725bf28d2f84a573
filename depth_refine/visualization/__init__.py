"""Figures of poses and of training, in millimetres.

- :mod:`pose_frame`: ``PoseFrame``, the content of a figure of one frame; :mod:`pose_strip`: its image beside 3D views
- :mod:`pose_figure`: figures for papers, frames in rows and predictions in columns
- :mod:`training_curves`: losses and validation errors of several runs
- :mod:`visualization_hook`: figures while testing, in MMPose's manner
- :mod:`overlay_video`: people drawn over a video, beside :mod:`scene_view`, a rotating 3D view
- :mod:`report`: the interactive report of a video, one HTML file
- shared: :mod:`drawing`, lines and text with OpenCV; :mod:`mp4`, videos that browsers play
"""

from .overlay_video import write_overlay_video
from .pose_figure import plot_pose_comparison, write_pose_figure
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
    'write_pose_figure',
    'write_report',
]
