import pytest

from depth_refine.utils.h36m_names import action_of, image_name, parse_image_name


@pytest.mark.parametrize(
    ('path', 'expected'),
    [
        (
            'S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg',
            ('S1_Directions_1.54138969', 'S1', 'Directions', '54138969', 1),
        ),
        ('S5_SittingDown.60457274_012345.jpg', ('S5_SittingDown.60457274', 'S5', 'SittingDown', '60457274', 12345)),
        ('/a.b/S9_WalkDog 1.55011271_000007.png', ('S9_WalkDog 1.55011271', 'S9', 'WalkDog', '55011271', 7)),
    ],
)
def test_parses(path, expected):
    assert parse_image_name(path) == expected
    assert action_of(expected[0]) == expected[2]


@pytest.mark.parametrize('path', ['a.jpg', 'S1_Directions_000001.jpg', 'S1_Directions.54138969.jpg', ''])
def test_refuses_other_names(path):
    with pytest.raises(ValueError, match='is not of the form S1_Directions_1'):
        parse_image_name(path)


def test_name_of_a_frame():
    name = image_name('S11_WalkTogether_2.60457274', 42)
    assert name == 'S11/S11_WalkTogether_2.60457274/S11_WalkTogether_2.60457274_000042.jpg'
    assert parse_image_name(name) == ('S11_WalkTogether_2.60457274', 'S11', 'WalkTogether', '60457274', 42)


@pytest.mark.parametrize(
    ('sequence', 'action'),
    [('S5_TakingPhoto.54138969', 'Photo'), ('S1_WalkingDog_1.1', 'WalkDog'), ('S1_Photo 1.1', 'Photo')],
)
def test_both_spellings(sequence, action):
    assert action_of(sequence) == action
