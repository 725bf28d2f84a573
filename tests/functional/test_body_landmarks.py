import pytest
from skeletons import MPI_INF_3DHP, smpl_metainfo

from depth_refine.functional.body_landmarks import body_landmarks
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError


@pytest.mark.parametrize(
    ('skeleton', 'ankle'),
    [
        (H36M, 'foot'),
        (Skeleton.from_metainfo(MPI_INF_3DHP, 14), 'ankle'),
        (Skeleton.from_metainfo(smpl_metainfo(), 'left_ankle'), 'ankle'),
    ],
    ids=['human36m', 'mpi_inf_3dhp', 'root at an ankle'],
)
def test_landmarks_are_found_by_name_and_bones(skeleton, ankle):
    expected = dict(hip='hip', knee='knee', ankle=ankle, shoulder='shoulder')
    for name, (left, right) in body_landmarks(skeleton).items():
        assert skeleton.joint_names[left] == f'left_{expected.pop(name)}'
        assert skeleton.flip_indices[left] == right
    assert not expected


@pytest.mark.parametrize(
    ('parents', 'message'),
    [
        (dict(L_knee='L_hip', R_knee='R_hip'), r"the left shoulder: expected one with 'shoulder' .*, found \[\] among"),
        (dict(L_hipbone=None, R_hipbone=None), r"the left hip: .*, found \['L_hip', 'L_hipbone'\] among \['L_hip', 'R"),
        (
            dict(L_knee='L_hip', R_knee='R_hip', R_toe='R_knee', L_toe='L_hip', L_shoulder=None, R_shoulder=None),
            r"the ankle: expected bones from 'L_knee' to 'L_hip' and to one other joint, found others to \[\]",
        ),
    ],
)
def test_ambiguous_skeletons_are_refused(parents, message):
    """Joints are children of the left hip unless ``parents`` has others."""
    parents = dict(L_hip=None, R_hip='L_hip') | parents
    names = list(parents)
    flip = tuple(names.index({'L': 'R', 'R': 'L'}[name[0]] + name[1:]) for name in names)
    indices = (-1, *(names.index(parent or 'L_hip') for parent in list(parents.values())[1:]))
    with pytest.raises(InputError, match=message):
        body_landmarks(Skeleton(tuple(names), indices, flip))
