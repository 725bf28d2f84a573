"""BlazePose, a pretrained estimator of 33 landmarks in the image and in space, as a first stage.

- :mod:`first_stage`: ``BlazePose``
- :mod:`people`: who is in a frame, followed from the frame before
- :mod:`detector`, :mod:`landmarks`: its two networks, before and after; :mod:`regions`: where they look
- :mod:`networks`: LiteRT, which runs them; :mod:`model_files`: where they come from
"""

from .first_stage import BlazePose

__all__ = ['BlazePose']
