"""From a video to the 3D poses of its people.

Folders, each of which imports only those above it and none of the modules below:

- :mod:`.sources`: frames of a video with their times
- :mod:`.people`: where people are, who is who, and what a first stage measures of them
- :mod:`.blazepose`: a pretrained first stage that also detects people
- :mod:`.predictions`: another estimator's predictions in place of boxes, tracker and first stage

Modules, which go on from there:

- :mod:`.stages`: the two trained networks; :mod:`.training_data`: what their checkpoints say of their training;
  :mod:`.training_camera`: pixels as the second one needs them
- :mod:`.resampling`: to the refiner's frame rate and back
- :mod:`.refinement`: measurements to poses in space; :mod:`.finishing`: placement on rays, bone lengths, smoothing
- :mod:`.video_pose_inferencer`: ``VideoPoseInferencer``, all of it in one call; :mod:`.live_poses`: streams
- :mod:`.extraction`: a first stage's depth sequence stores
"""

from depth_refine.inference.video_pose_inferencer import VideoPoseInferencer
from depth_refine.structures import PoseTrack, VideoPoses

__all__ = ['PoseTrack', 'VideoPoseInferencer', 'VideoPoses']
