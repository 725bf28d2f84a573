"""Checks of a data root, all in ``data_root.check_data``.

``frames``, ``cameras`` and ``files`` check one kind of content each, and yield pairs of kind and message, see
:class:`.data_root.Finding`. ``figure`` draws a figure of random frames with their joints.
"""
