"""From a video to the 3D poses of its people.

- :mod:`.video_source`: frames and times of :mod:`.video_file`, :mod:`.image_folder`, arrays and cameras;
  :mod:`.time_stamps`: those that do not ascend; :mod:`.prefetch`: decoding ahead
- :mod:`.person_boxes`: the whole frame, boxes from files, which :mod:`.box_files` reads and :mod:`.frame_size` doubts;
  :mod:`.person_detectors`: MMDetection's and torchvision's
- :mod:`.blazepose`: a pretrained first stage that finds people, too
- :mod:`.stages`: the two networks; :mod:`.training_camera`: pixels for the second one
- :mod:`.motion_tracker`: who is who; :mod:`.tracking`: that of a video, and what the first stage measures of everyone
- :mod:`.predicted_people`: another estimator's predictions in the place of all these
- :mod:`.refinement`: what was seen to poses in space; :mod:`.finishing`: poses as people use them
- :mod:`.resampling`: to the refiner's frame rate and back
- :mod:`.video_pose_inferencer`: ``VideoPoseInferencer``, all of it; :mod:`.live_poses`: its streams
- :mod:`.extraction`: a first stage's depth sequence stores
"""

from depth_refine.inference.video_pose_inferencer import VideoPoseInferencer
from depth_refine.structures import PoseTrack, VideoPoses

__all__ = ['PoseTrack', 'VideoPoseInferencer', 'VideoPoses']
