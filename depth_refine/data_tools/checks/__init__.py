"""Is a data root sound? ``data_root.check_data`` asks.

``frames``, ``cameras`` and ``files`` look at one kind of thing each and yield pairs of kind and message, see
:class:`.data_root.Finding`; ``picture`` draws random frames with their joints.
"""
