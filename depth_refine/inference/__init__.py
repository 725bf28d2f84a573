"""From a video to the 3D poses of its people.

- :mod:`.video_source`: frames and times of :mod:`.video_file`, :mod:`.image_folder`, arrays and cameras;
  :mod:`.time_stamps`: makes times ascend; :mod:`.prefetch`: decodes ahead
- :mod:`.person_boxes`: bounding boxes from files, which :mod:`.box_files` reads, or the whole frame;
  :mod:`.frame_size`: checks pixels against the frame; :mod:`.person_detectors`: MMDetection's and torchvision's
- :mod:`.blazepose`: a pretrained first stage that also detects people
- :mod:`.stages`: the two networks; :mod:`.training_camera`: pixels as the second one needs them
- :mod:`.motion_tracker`: track ids of boxes; :mod:`.tracking`: tracks and measurements of a video
- :mod:`.predicted_people`: another estimator's predictions in place of boxes, tracker and first stage
- :mod:`.refinement`: measurements to poses in space; :mod:`.finishing`: placement on rays, bone lengths, smoothing
- :mod:`.resampling`: to the refiner's frame rate and back
- :mod:`.video_pose_inferencer`: ``VideoPoseInferencer``, all of it in one call; :mod:`.live_poses`: streams
- :mod:`.extraction`: a first stage's depth sequence stores
"""

from depth_refine.inference.video_pose_inferencer import VideoPoseInferencer
from depth_refine.structures import PoseTrack, VideoPoses

__all__ = ['PoseTrack', 'VideoPoseInferencer', 'VideoPoses']
