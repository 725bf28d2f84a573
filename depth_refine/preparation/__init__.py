"""From the files of a data set's owners to what the training reads.

- ``prepare``: the official Human3.6M files to MMPose's layout, from these parts:
  ``metadata``, cameras and names; ``raw_h36m``, what files there are; ``archives``, unpacking; ``poses``, CDF files;
  ``crops``, the part of a frame to store; ``frames``, video to images; ``report``, what was found
- ``videopose3d``: VideoPose3D's archives to annotations and stores
"""
