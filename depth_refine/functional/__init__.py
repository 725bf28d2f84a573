"""Pure functions on arrays and tensors.

- :mod:`.camera`: projection with Human3.6M's lens distortion, and back
- :mod:`.soft_argmax`: ``soft_argmax_3d``, the centroid of 3D heatmaps
- :mod:`.pose_error`: errors between 3D poses, and the alignments before measuring
- :mod:`.root_trajectory`: where the root is in space
- :mod:`.ray_placement`: joints on the rays of their pixels
- :mod:`.bone_lengths`: bones of constant length
- :mod:`.smoothing`: a low-pass filter in time
- :mod:`.stature`: the height of a person, estimated or given
- :mod:`.depth_scale`: whether depths fit human proportions
- :mod:`.floor`: the floor, estimated from resting feet
- :mod:`.body_landmarks`: hips, knees, ankles and shoulders of any skeleton
- :mod:`.side_swaps`: frames in which left and right are swapped
"""

from .soft_argmax import soft_argmax_3d

__all__ = ['soft_argmax_3d']
