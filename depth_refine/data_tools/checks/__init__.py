"""Checks of a data root or of a config's data, all in ``data_root.check_data``.

``sources`` finds the annotations. ``frames``, ``cameras``, ``projection`` and ``files`` check one kind of content each,
and yield pairs of kind and message, see :class:`.data_root.Finding`. ``figure`` draws a figure of random frames with
their joints.
"""
