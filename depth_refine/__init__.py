"""depth_refine: 3D human pose from video through temporal joint depths (Kato, Honda and Uchida, 2020), for MMPose.

Importing this package registers everything with MMPose. docs/architecture.md describes each folder.

- :mod:`.models`, :mod:`.codecs`: the networks, and what they read and write
- :mod:`.datasets`, :mod:`.evaluation`, :mod:`.engine`: data, metrics and training hooks
- :mod:`.inference`: from a video to poses; :mod:`.weights`: shipped refiners
- :mod:`.visualization`, :mod:`.export`: figures, videos and reports; files for other programs
- :mod:`.data_tools`, :mod:`.synthetic`: preparation, checks and conversion of files; a synthetic Human3.6M
- :mod:`.structures`, :mod:`.functional`, :mod:`.utils`: plain data, pure functions, and shared utilities
"""

from .utils import compat  # isort: skip  # noqa: F401  # before anything imports mmpose
from . import codecs, datasets, engine, evaluation, models, visualization
from .version import __version__

__all__ = ['__version__', 'codecs', 'datasets', 'engine', 'evaluation', 'models', 'visualization']
