"""Pure functions on arrays and tensors.

- :mod:`camera`: projection with Human3.6M's lens distortion, and back
- :mod:`soft_argmax`: ``soft_argmax_3d``, the centroid of 3D heatmaps
- :mod:`pose_error`: errors between 3D poses, and the alignments before measuring
- :mod:`root_trajectory`: where the root is in space
- :mod:`side_swaps`: frames in which left and right are exchanged
"""

from .soft_argmax import soft_argmax_3d

__all__ = ['soft_argmax_3d']
