import numpy as np
import pytest

from depth_refine.structures.skeleton import H36M
from depth_refine.synthetic.performances import Performance, choose_test_subjects, procedural_performances
from depth_refine.utils.errors import InputError


def test_every_subject_does_everything():
    performances = procedural_performances(['S9', 'S1'], ['Waiting', 'SittingDown'], 7, seed=0)
    assert [(p.subject, p.action, p.seat is None) for p in performances] == [
        (subject, f'{activity}_1', activity == 'Waiting')
        for subject in ('S9', 'S1')
        for activity in ('Waiting', 'SittingDown')
    ]
    assert all(p.joints.shape == (7, 17, 3) for p in performances)
    lengths = [H36M.bone_lengths(p.joints).mean(axis=0) for p in performances]
    np.testing.assert_allclose(lengths[0], lengths[1])
    assert np.abs(lengths[0] - lengths[2]).max() > 0.005


def test_unknown_names():
    with pytest.raises(InputError, match=r"unknown activities \['Flying'\]: expected some of \['Dir"):
        procedural_performances(['S1'], ['Walking', 'Flying'], 5, seed=0)
    with pytest.raises(InputError, match=r'unknown subject S2: expected S1, S5, .* S11 or S12 and following'):
        procedural_performances(['S2'], ['Walking'], 5, seed=0)


def people(**frames):
    return [Performance(name, 'Go_1', 0, 0, np.zeros((count, 17, 3))) for name, count in frames.items()]


@pytest.mark.parametrize(
    ('frames', 'expected'),
    [
        (dict(a=70, b=30), ('b',)),
        (dict(a=60, b=15, c=12, d=13), ('b', 'c')),
        # the clips of docs/motion_files.md
        (dict(cmu05=926, cmu07=173, cmu104=649, cmu131=1897, cmu135=1444, cmu93=211), ('cmu05', 'cmu104')),
    ],
)
def test_test_subjects_have_about_a_quarter(frames, expected):
    assert choose_test_subjects(people(**frames)) == expected


def test_one_subject_cannot_be_split():
    with pytest.raises(InputError, match=r"two subjects or more, one of them for the test split, got \['a'\]"):
        choose_test_subjects(people(a=50))
