"""Synthetic Human3.6M: people made of round limbs who move in rooms, written in MMPose's Human3.6M layout.

- ``subjects``: body proportions for procedural motion, clothing for the renderer
- ``kinematics``: joint angles, a path and footsteps to joint positions
- ``motion``: the procedural activities
- ``performances``: which subject does what, and the choice of test subjects
- ``mocap``: performances from a file of motion clips
- ``cameras``: four Human3.6M-like cameras with lens distortion
- ``body``: joints to limbs with a thickness
- ``scene``: the empty room, its furniture and its light
- ``raycast``, ``shading``, ``renderer``: limbs and room to images
- ``writer``: annotations, images and the dataset folder
"""

from depth_refine.synthetic.writer import make_synthetic

__all__ = ['make_synthetic']
