"""A motion file of people who turn, bow and walk."""

import numpy as np
from scipy.spatial.transform import Rotation
from skeletons import standing_pose

from depth_refine.structures.skeleton import H36M, Skeleton


def motion_clips(skeleton: Skeleton = H36M, lengths=(60, 41), fps=50.0, speed=1.0, who='subject') -> dict:
    """The arrays of a motion file; clip c walks with c + 1 m/s along x, in curves that every rate can follow."""
    rest = standing_pose(skeleton)[:, [0, 2, 1]] * [1, 1, -1]  # z up
    clips = []
    for clip, length in enumerate(lengths):
        time = np.arange(length)[:, None] / fps
        turns = Rotation.from_euler('zyx', np.concatenate([time + clip, 0.3 * np.sin(2 * time), 0.2 * time], axis=1))
        joints = np.einsum('tij,kj->tki', turns.as_matrix(), rest)
        joints[..., 0] += (clip + 1) * speed * time
        joints[..., 2] -= joints[..., 2].min()
        clips.append(joints)
    return dict(
        positions=np.concatenate(clips).astype(np.float32),
        clip=np.repeat(np.arange(len(lengths)), lengths),
        fps=np.array(fps),
        subject=np.array([f'{who}{clip}' for clip in range(len(lengths))]),
    )


def write_motion(path, skeleton: Skeleton = H36M, **kwargs):
    """A motion file of :func:`motion_clips`; the path."""
    np.savez(path, **motion_clips(skeleton, **kwargs))
    return path
