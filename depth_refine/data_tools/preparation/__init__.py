"""From the files of Human3.6M's and VideoPose3D's owners to MMPose's layout.

- ``prepare``: the official Human3.6M files. Its parts: ``metadata``, cameras and takes; ``raw_files``, what files and
  archives there are; ``sequences``, the files of a sequence, and many sequences in processes; ``frames``, video to
  images or crops; ``output``, the output folder; ``pose_statistics``, means and spreads of the training poses;
  ``outcome``, what was prepared and left out
- ``videopose3d``: VideoPose3D's archives, to annotations and stores; ``videopose3d_archive`` reads them
"""
