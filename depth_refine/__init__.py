"""depth_refine: 3D human pose from video through temporal joint depths (Kato, Honda and Uchida, 2020), for MMPose.

Importing this package registers everything with MMPose. The rooms, each importing only from those above it:

- ``functional``: pure functions on arrays and tensors: camera, soft-argmax, pose errors, skeleton
- ``codecs``: pixels and metres <-> the networks' normalised coordinates
- ``models``: ``IntegralHead3D`` (stage 1); ``DepthTemporalRefiner``, ``TemporalConvNet``, ``TemporalPoseHead``
  (stage 2)
- ``datasets``: Human3.6M annotations, frames, depth sequences, the store between the stages, transforms
- ``evaluation``: the metric
- ``engine``: hooks and optimiser wrapper for training, checks of checkpoints
- ``visualization``: pictures, curves, video
- ``synthetic``: a synthetic Human3.6M

Beside them: ``compat``, what the OpenMMLab releases need on current PyTorch; ``errors``, the exception for bad input;
``atomic``, files and folders that appear only when complete; ``safe_pickle``, pickles without code; ``demo_report``.
"""

from . import compat  # isort: skip  # before anything imports mmpose
from . import codecs, datasets, engine, evaluation, models, visualization
from .version import __version__

__all__ = ['__version__', 'codecs', 'compat', 'datasets', 'engine', 'evaluation', 'models', 'visualization']
