"""From a video to the 3D poses of its people.

- :mod:`video_source`: frames and times of files, folders, arrays and cameras; :mod:`prefetch`: decoding ahead
- :mod:`person_boxes`: the whole frame, boxes from files; :mod:`person_detectors`: MMDetection's and torchvision's
- :mod:`tracking`: who is who; :mod:`resampling`: to the refiner's frame rate and back
- :mod:`stages`: the two networks; :mod:`observations`: the first one over a video; :mod:`camera_model`: the camera
- :mod:`video_pose_inferencer`: ``VideoPoseInferencer``, all of it; :mod:`video_poses`: its result
"""

from depth_refine.inference.video_pose_inferencer import VideoPoseInferencer
from depth_refine.structures.video_poses import PoseTrack, VideoPoses

__all__ = ['PoseTrack', 'VideoPoseInferencer', 'VideoPoses']
