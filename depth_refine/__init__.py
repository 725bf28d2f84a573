"""depth_refine: 3D human pose from video through temporal joint depths (Kato, Honda and Uchida, 2020), for MMPose.

Importing this package registers everything with MMPose. docs/architecture.md says what belongs in which folder.
"""

from . import compat  # isort: skip  # before anything imports mmpose
from . import codecs, datasets, engine, evaluation, models, visualization
from .version import __version__

__all__ = ['__version__', 'codecs', 'compat', 'datasets', 'engine', 'evaluation', 'models', 'visualization']
