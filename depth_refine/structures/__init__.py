"""Plain data for other packages to import: the skeleton, a camera, and the poses of a video's people."""

from .skeleton import H36M, Skeleton
from .video_poses import PoseTrack, VideoPoses

__all__ = ['H36M', 'PoseTrack', 'Skeleton', 'VideoPoses']
