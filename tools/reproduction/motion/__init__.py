"""Refiners trained on motion, in scenes whose poses are known.

- :mod:`mocap`: the table of inputs, noise and receptive fields.
- :mod:`scenes`: the pipeline of inference on a scene, and its errors.
- :mod:`held_out`: scenes of people whose motion was not trained on.
- :mod:`real_video`: scenes of a filmed person.
"""
