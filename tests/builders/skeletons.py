"""Skeletons other than Human3.6M's, as MMPose's metainfo."""

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
    """The mirror image of a joint, empty if it has none."""
    side, _, part = name.partition('_')
    return {'left': f'right_{part}', 'right': f'left_{part}'}.get(side, '')
