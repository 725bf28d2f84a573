"""Is a data root sound? ``data_root.check_data`` asks, the other modules look at one kind of thing each.

- ``frames``: the frame numbers, joints and boxes of an annotation
- ``cameras``: ``cameras.pkl``, and whether an annotation's 2D and 3D joints and its cameras agree
- ``files``: images, 2D data sets and depth sequence stores
- ``picture``: random frames with their joints

A check yields what there is to say as pairs of kind and message, see :class:`.data_root.Finding`.
"""
