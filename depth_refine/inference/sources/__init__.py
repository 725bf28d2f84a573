"""Frames of a video with their times, whoever is in them.

- :mod:`video_source`: ``open_source``, for video files, folders of images, arrays, cameras and addresses
- :mod:`video_file`: files and addresses; :mod:`image_folder`: images, and the frames that their names say
- :mod:`time_stamps`: makes times ascend; :mod:`prefetch`: decodes ahead
"""
