"""depth_refine: 3D human pose from video through temporal joint depths (Kato, Honda and Uchida, 2020), for MMPose.

Importing this package registers everything with MMPose. docs/architecture.md says what belongs in which folder.
"""

from .utils import compat  # isort: skip  # noqa: F401  # before anything imports mmpose
from . import codecs, datasets, engine, evaluation, models, visualization
from .version import __version__

__all__ = ['__version__', 'codecs', 'datasets', 'engine', 'evaluation', 'models', 'visualization']
