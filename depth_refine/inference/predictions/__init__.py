"""Another estimator's predictions for a video, in place of boxes, tracker and first stage.

- :mod:`predicted_people`: people, tracks and measurements of the predictions
- :mod:`prediction_check`: comparison with BlazePose in a few frames
- :mod:`prediction_faults`: what it finds; :mod:`image_faults`: mirrored, rotated and the like, and how each is undone;
  :mod:`pose_distances`: how near poses are, and which distances are usual

:mod:`depth_refine.data_tools.conversion` reads the files.
"""
