"""Synthetic Human3.6M: people made of round limbs who move in rooms, written in MMPose's Human3.6M layout.

- ``subjects``: who is shown: body proportions for procedural motion, clothing for the renderer
- ``kinematics``: joint angles, a path and footsteps to joint positions
- ``motion``: the procedural activities
- ``mocap``: motion clips from a file
- ``cameras``: four Human3.6M-like cameras with lens distortion
- ``body``: joints to limbs with a thickness
- ``scene``: the empty room, its furniture and its light
- ``renderer``: limbs and room to images, by ray casting
- ``writer``: annotations, images and the dataset folder
"""

from depth_refine.synthetic.writer import make_synthetic

__all__ = ['make_synthetic']
