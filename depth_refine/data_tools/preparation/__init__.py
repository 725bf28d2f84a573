"""From the files of Human3.6M's and VideoPose3D's owners to MMPose's layout.

- ``prepare``: the official Human3.6M files. Its parts: ``metadata``, cameras and names; ``raw_h36m``, what files there
  are; ``archives``, unpacking; ``poses``, CDF files; ``crops``, the part of a frame to store; ``frames``, video to
  images; ``inspection``, do the files of a sequence fit together; ``sequence_jobs``, many sequences in processes;
  ``workspace``, one run at a time in an output folder; ``report``, what was found
- ``videopose3d``: VideoPose3D's archives, to annotations and stores; ``videopose3d_archive`` reads them
"""
