"""Where the people of a video are, who is who, and what a first stage measures of them.

- :mod:`person_boxes`: bounding boxes from files, which :mod:`box_files` reads, or the whole frame;
  :mod:`person_detectors`: MMDetection's and torchvision's; :mod:`frame_size`: checks pixels against the frame
- :mod:`motion_tracker`: track ids of boxes
- :mod:`first_stage`: the interface of first stages; :mod:`tracking`: tracks and measurements of a video
"""
