"""Files of poses and networks for other programs.

- :mod:`.pose_files`: ``write_npz``, ``write_json``, ``write_csv``
- :mod:`.bvh`: ``write_bvh``, for Blender and other animation programs; its joint rotations are made by
  :mod:`.fixed_skeleton` for any skeleton and by :mod:`.h36m_nodes` for Human3.6M's
- :mod:`.trc`: ``write_trc``, for OpenSim and other programs for biomechanics
- :mod:`.even_times`, :mod:`.y_up`: frames and axes of both formats
- :mod:`.onnx`: ``export_onnx``, both networks for onnxruntime and others
"""

from .bvh import write_bvh
from .pose_files import write_csv, write_json, write_npz
from .trc import write_trc

__all__ = ['write_bvh', 'write_csv', 'write_json', 'write_npz', 'write_trc']
