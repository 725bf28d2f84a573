import pytest

from depth_refine.utils.h36m_names import action_of, image_name, parse_image_name


@pytest.mark.parametrize(
    ('path', 'expected'),
    [
        ('S5_TakingPhoto.60457274_012345.jpg', ('S5_TakingPhoto.60457274', 'S5', 'Photo', '60457274', 12345)),
        ('/a.b/S9_WalkingDog 1.55011271_7.png', ('S9_WalkingDog 1.55011271', 'S9', 'WalkDog', '55011271', 7)),
    ],
)
def test_parses(path, expected):
    assert parse_image_name(path) == expected
    assert action_of(expected[0]) == expected[2]


def test_name_of_a_frame():
    name = image_name('S11_WalkTogether_2.60457274', 42)
    assert name == 'S11/S11_WalkTogether_2.60457274/S11_WalkTogether_2.60457274_000042.jpg'
    assert parse_image_name(name) == ('S11_WalkTogether_2.60457274', 'S11', 'WalkTogether', '60457274', 42)
