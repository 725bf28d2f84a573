import itertools

import numpy as np
import pytest

from depth_refine.structures.skeleton import JOINT_NAMES, bone_lengths
from depth_refine.synthetic.subjects import (
    SUBJECTS,
    make_appearance,
    make_proportions,
    name_subjects,
    subject_index,
)
from depth_refine.utils.errors import InputError


def rest_pose(offsets):
    joints = np.zeros((17, 3))
    chains = [(0, 1, 2, 3), (0, 4, 5, 6), (0, 7, 8, 9, 10), (8, 11, 12, 13), (8, 14, 15, 16)]
    for chain in chains:
        for parent, joint in itertools.pairwise(chain):
            joints[joint] = joints[parent] + offsets[joint]
    return joints


def test_statures_are_human_and_bodies_differ():
    bodies = [make_proportions(index, seed=3) for index in range(len(SUBJECTS))]
    statures = [
        float(np.ptp(rest_pose(body.offsets)[:, 2])) + body.ankle_height + 0.05 * 1.7 for body in bodies
    ]  # the head joint is below the crown
    assert 1.45 < min(statures) < 1.65 and 1.75 < max(statures) < 1.95
    lengths = np.array([bone_lengths(rest_pose(body.offsets)) for body in bodies])
    shapes = lengths / lengths.sum(axis=1, keepdims=True)
    for a in range(len(bodies)):
        for b in range(a):
            assert np.abs(lengths[a] - lengths[b]).max() > 0.01
            assert np.abs(shapes[a] - shapes[b]).max() > 0.002, 'not only the stature differs'


def test_body_is_symmetric():
    offsets = make_proportions(4, seed=1).offsets
    for name in ('hip', 'knee', 'foot', 'shoulder', 'elbow', 'wrist'):
        left, right = (offsets[JOINT_NAMES.index(f'{side}_{name}')] for side in ('left', 'right'))
        np.testing.assert_allclose(left * [1, -1, 1], right)


def test_leg_is_thigh_and_shank():
    body = make_proportions(1, seed=0)
    assert body.leg == pytest.approx(tuple(bone_lengths(rest_pose(body.offsets))[[1, 2]]))


def test_clothes_differ_between_subjects_and_seeds():
    looks = [make_appearance(index, seed=0) for index in range(len(SUBJECTS))]
    for a in range(len(looks)):
        for b in range(a):
            assert np.abs(np.array(looks[a].shirt) - looks[b].shirt).max() > 0.05
    assert make_appearance(0, seed=0) == looks[0] != make_appearance(0, seed=1)


def test_further_people_have_names_of_their_own():
    assert set(name_subjects(5)) == set(SUBJECTS)
    assert name_subjects(2) == ('S1', 'S5', 'S9', 'S11')
    names = name_subjects(8)
    assert set(names) == {*SUBJECTS, 'S12', 'S13', 'S14'}
    assert sorted(map(subject_index, names)) == list(range(10))
    with pytest.raises(InputError, match='expected 1 training subject or more, got 0'):
        name_subjects(0)


@pytest.mark.parametrize('name', ['S10', 'S0', 'T12', 'S12x', 'S99999999'])
def test_names_that_nobody_has(name):
    with pytest.raises(InputError, match=f'unknown subject {name}'):
        subject_index(name)
