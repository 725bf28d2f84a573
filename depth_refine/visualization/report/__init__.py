"""``write_report``: one self-contained page with a result's video, a 3D view to turn, curves and errors.

- ``report.html``, ``report.css``: the page, a Jinja template that escapes what it is given
- ``track.js``: the poses of a person as read from the page's data
- ``pose_view.js``, ``depth_curves.js``, ``video_view.js``: the three views of one moment
- ``player.js``: the time that they share
- ``report.js``: controls, and what connects them
"""

from .report import write_report

__all__ = ['write_report']
