"""BlazePose, a pretrained estimator of 33 landmarks in the image and in space, as a first stage.

- :mod:`first_stage`: ``BlazePose``
- :mod:`people`: the people in a frame, tracked from the frame before
- :mod:`detector`, :mod:`landmarks`: its two networks with pre- and post-processing; :mod:`regions`: their crops
- :mod:`networks`: LiteRT, which runs them; :mod:`model_files`: their files
"""

from .first_stage import BlazePose

__all__ = ['BlazePose']
