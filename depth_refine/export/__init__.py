"""Results and networks for other programs.

- :mod:`pose_table`: names and arrays that the result files share
- :mod:`pose_files`: ``write_npz``, ``write_json``, ``write_csv``
- :mod:`fixed_skeleton`: bones of fixed length, and the rotations of their joints
- :mod:`bvh`: ``write_bvh``, for Blender and other animation programs
- :mod:`onnx`: ``export_onnx``, both networks for onnxruntime and others
"""

from .bvh import write_bvh
from .pose_files import write_csv, write_json, write_npz

__all__ = ['write_bvh', 'write_csv', 'write_json', 'write_npz']
