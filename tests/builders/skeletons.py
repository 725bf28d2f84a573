"""Skeletons other than Human3.6M's, as MMPose's metainfo, and a person who has their joints."""

import numpy as np

from depth_refine.structures.skeleton import Skeleton

MPI_INF_3DHP = dict(from_file='configs/_base_/datasets/mpi_inf_3dhp.py')  # MMPose's, 17 joints, root 14

# The name of each joint's parent; joints in this order.
_SMPL = dict(
    pelvis=None, left_hip='pelvis', right_hip='pelvis', spine1='pelvis', left_knee='left_hip', right_knee='right_hip',
    spine2='spine1', left_ankle='left_knee', right_ankle='right_knee', spine3='spine2', left_foot='left_ankle',
    right_foot='right_ankle', neck='spine3', left_collar='spine3', right_collar='spine3', head='neck',
    left_shoulder='left_collar', right_shoulder='right_collar', left_elbow='left_shoulder',
    right_elbow='right_shoulder', left_wrist='left_elbow', right_wrist='right_elbow', left_hand='left_wrist',
    right_hand='right_wrist',
)  # fmt: skip

# x right, y down, z forward in decimetres; the person faces the camera, so the left side is at the right. Joints that
# are not named here are mirror images.
_STANDING = dict(
    pelvis=(0, 0, 0), left_hip=(1, 0.5, 0), left_knee=(1.1, 4.5, -0.8), left_ankle=(1.1, 8.4, 0),
    left_foot=(1.3, 8.9, -1.3), spine1=(0, -1.2, 0.2), spine2=(0, -2.4, 0.3), spine3=(0, -3.2, 0.2), neck=(0, -5, 0),
    head=(0, -6, -0.3), left_collar=(0.8, -4.4, 0.1), left_shoulder=(1.8, -4.6, 0), left_elbow=(4.4, -4.8, 0),
    left_wrist=(4.6, -7.2, -0.4), left_hand=(4.7, -8, -0.5), right_elbow=(-2.2, -2, 0.3), right_wrist=(-2.4, 0.3, -0.8),
    right_hand=(-2.4, 1, -1.1), root=(0, 0, 0), spine=(0, -2.4, 0.3), head_top=(0, -7.2, -0.2),
    thorax=(0, -4.3, 0.2), neck_base=(0, -5, 0),
)  # fmt: skip


def standing_pose(skeleton: Skeleton) -> np.ndarray:
    """(K, 3) metres of someone who raises the left hand, root at the origin; skeletons of this file and Human3.6M's."""
    names = skeleton.joint_names
    joints = np.array([_STANDING.get(name) or np.multiply(_STANDING[_twin(name)], [-1, 1, 1]) for name in names])
    return (joints - joints[skeleton.root]) / 10


def smpl_metainfo() -> dict:
    """Raw metainfo of 24 joints as SMPL has them; the root is ``'pelvis'``, joint 0."""
    links = [(parent, joint) for joint, parent in _SMPL.items() if parent is not None]
    return dict(
        dataset_name='smpl_like',
        paper_info=dict(),
        keypoint_info={index: dict(name=name, id=index, swap=_twin(name)) for index, name in enumerate(_SMPL)},
        skeleton_info={index: dict(link=link, id=index) for index, link in enumerate(links)},
        joint_weights=[1.0] * len(_SMPL),
        sigmas=[0.05] * len(_SMPL),
    )


def _twin(name: str) -> str:
    """Name of the mirror image of a joint, empty if it has none."""
    side, _, part = name.partition('_')
    return {'left': f'right_{part}', 'right': f'left_{part}'}.get(side, '')
