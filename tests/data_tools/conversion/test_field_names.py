import pytest

from depth_refine.data_tools.conversion.field_names import frame_of, is_nobodys, plain_name


@pytest.mark.parametrize(
    ('names', 'plain'),
    [
        (['track_id', ' Track_ID', 'trackId', 'track-ids', 'TRACK ID '], 'trackid'),
        (['frames', 'Frame '], 'frame'),
        (['x1', 'X_1'], 'x1'),
        (['frame_'], 'frame_'),
    ],
)
def test_plain_names(names, plain):
    assert {plain_name(name) for name in names} == {plain}


@pytest.mark.parametrize(
    ('image', 'found'),
    [
        ('000012.jpg', ('', 12)),
        ('cam01/clip_000012_rgb.png', ('cam01/clip_', 12)),
        ('12.jp2', ('', 12)),
        (12, ('', 12)),
        (12.0, ('', 12)),
        (0, ('', 0)),
        (12.5, None),
        (-1, None),
        (True, None),
        (float('nan'), None),
        (float('inf'), None),
        ('rgb.png', None),
        (None, None),
    ],
)
def test_frame_numbers_of_images(image, found):
    assert frame_of(image) == found


def test_ids_that_number_annotations():
    assert is_nobodys([7, 8, 9], [0, 1, 2]) and not is_nobodys([7, 8, 7], [0, 1, 2])
    assert not is_nobodys([7, 8, 9], [0, 0, 1])
