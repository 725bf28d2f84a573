"""``write_report``: the interactive report of a result, one HTML file with video, a 3D view to turn, curves and errors.

``report.html`` is a Jinja template that escapes what it is given. ``track.js`` reads a person's poses from its data,
``pose_view.js``, ``depth_curves.js`` and ``video_view.js`` show one moment, ``player.js`` has the time that they share,
and ``report.js`` the controls.
"""

from .report import write_report

__all__ = ['write_report']
