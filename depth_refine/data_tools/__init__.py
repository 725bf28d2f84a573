"""Files of others.

- :mod:`preparation`: the files of Human3.6M's and VideoPose3D's owners to our layout
- :mod:`checks`: is a data root sound?
- :mod:`conversion`: weights and predictions of other projects to ours
"""
