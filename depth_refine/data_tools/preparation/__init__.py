"""The original files of Human3.6M, MPI-INF-3DHP and VideoPose3D, converted to MMPose's layout.

- ``prepare``: the official Human3.6M files. Its parts: ``metadata``, cameras and takes; ``raw_files``, the files and
  archives of a folder; ``sequences``, the files of a sequence, and many sequences in processes; ``pose_statistics``,
  means and standard deviations of the training poses
- ``mpi_inf_3dhp``: the MPI-INF-3DHP files. Its parts: ``mpi_inf_3dhp_files``, their formats; ``mpi_inf_3dhp_videos``,
  the files of a sequence; ``mpi_inf_3dhp_outcome``, the report; ``mpi_inf_3dhp_facts``, constants
- shared: ``frames``, video to images or crops, from ``frame_sources``; ``output``, the output folder; ``outcome``, the
  report on what was prepared and left out
- ``videopose3d``: VideoPose3D's archives, to annotations and stores; ``videopose3d_archive`` reads them
"""
