"""From the files of Human3.6M's, MPI-INF-3DHP's and VideoPose3D's owners to MMPose's layout.

- ``prepare``: the official Human3.6M files. Its parts: ``metadata``, cameras and takes; ``raw_files``, what files and
  archives there are; ``sequences``, the files of a sequence, and many sequences in processes; ``pose_statistics``,
  means and spreads of the training poses
- ``mpi_inf_3dhp``: the MPI-INF-3DHP files. Its parts: ``mpi_inf_3dhp_files``, their formats; ``mpi_inf_3dhp_videos``,
  the files of a sequence; ``mpi_inf_3dhp_outcome``; ``mpi_inf_3dhp_facts``, constants
- what both use: ``frames``, video to images or crops, from ``frame_sources``; ``output``, the output folder;
  ``outcome``, what was prepared and left out
- ``videopose3d``: VideoPose3D's archives, to annotations and stores; ``videopose3d_archive`` reads them
"""
