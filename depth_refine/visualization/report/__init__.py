"""The interactive report of a result, one HTML file with video, a rotatable 3D view, curves and errors.

``report.html`` is a Jinja template with autoescaping. ``track.js`` reads a person's poses from the embedded data.
``pose_view.js``, ``depth_curves.js`` and ``video_view.js`` show one frame, ``player.js`` keeps the current frame, and
``report.js`` connects the controls.
"""

from .report import write_report

__all__ = ['write_report']
