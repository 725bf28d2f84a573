"""Files of data sets and of other projects.

- :mod:`preparation`: the original files of Human3.6M, MPI-INF-3DHP and VideoPose3D to our layout
- :mod:`checks`: checks of a data root
- :mod:`conversion`: weights and predictions of other projects to ours
"""
