import itertools

import numpy as np
import pytest

from depth_refine.synthetic.subjects import SUBJECTS, make_proportions, name_subjects, subject_index
from depth_refine.utils.errors import InputError


def test_statures_are_human_and_bodies_differ():
    bodies = [make_proportions(index, seed=3) for index in range(len(SUBJECTS))]
    chain = ('spine', 'thorax', 'neck_base', 'head')  # from there to the crown it is another 0.09 m
    heights = [sum(body.offsets[name][2] for name in chain) + sum(body.leg) + body.ankle_height for body in bodies]
    assert 1.36 < min(heights) < 1.56 and 1.66 < max(heights) < 1.86
    lengths = np.array([[np.linalg.norm(offset) for offset in body.offsets.values()] for body in bodies])
    shapes = lengths / lengths.sum(axis=1, keepdims=True)
    for a, b in itertools.combinations(range(len(bodies)), 2):
        assert np.abs(shapes[a] - shapes[b]).max() > 0.002, 'not only the stature differs'
    for name in ('hip', 'knee', 'foot', 'shoulder', 'elbow', 'wrist'):
        left, right = (bodies[4].offsets[f'{side}_{name}'] for side in ('left', 'right'))
        np.testing.assert_allclose(left * [1, -1, 1], right)


def test_further_people_have_names_of_their_own():
    assert name_subjects(2) == ('S1', 'S5', 'S9', 'S11')
    assert name_subjects(6, ['S5', 'S12']) == ('S1', 'S6', 'S7', 'S8', 'S13', 'S14', 'S5', 'S12')
    names = name_subjects(8)
    assert set(names) == {*SUBJECTS, 'S12', 'S13', 'S14'}
    assert sorted(map(subject_index, names)) == list(range(10))
    with pytest.raises(InputError, match='expected 1 training subject or more, got 0'):
        name_subjects(0)


@pytest.mark.parametrize('name', ['S10', 'T12', 'S99999999'])
def test_names_that_nobody_has(name):
    with pytest.raises(InputError, match=f'unknown subject {name}'):
        subject_index(name)
