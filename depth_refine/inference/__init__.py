"""From a video to the 3D poses of its people."""

from depth_refine.inference.video_poses import PoseTrack, VideoPoses

__all__ = ['PoseTrack', 'VideoPoses']
