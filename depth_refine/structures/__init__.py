"""Plain data that others may import: the skeleton, a camera, and the poses of a video's people."""

from .video_poses import PoseTrack, VideoPoses

__all__ = ['PoseTrack', 'VideoPoses']
