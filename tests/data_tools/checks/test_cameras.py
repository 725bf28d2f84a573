import re

import pytest

from depth_refine.data_tools.checks.cameras import check_cameras, check_views
from depth_refine.data_tools.checks.projection import check_projection
from depth_refine.datasets import load_cameras


@pytest.fixture
def cameras(data_root):
    return load_cameras(data_root / 'annotation_body3d/cameras.pkl')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c.update(c=c['c'] * 10), 'the principal point .* lies outside the image. Give c in px.'),
        (lambda c: c.update(id='60457274'), 'its id is 60457274: cameras are swapped'),
    ],
)
def test_faults(cameras, change, message):
    change(cameras['S9', '55011271'])
    ((kind, got),) = check_cameras(cameras)
    assert kind == 'problem' and re.match(rf"1 of 8 cameras, first \('S9', '55011271'\): {message}", got)


def test_a_principal_point_far_from_the_middle(cameras):
    camera = cameras['S9', '55011271']
    camera.update(c=camera['c'] * 0.667)
    (kind, _), (more, got) = check_cameras(cameras)
    assert (kind, more) == ('ok', 'note')
    assert got.startswith("1 of 8 cameras, first ('S9', '55011271'): the principal point is far from the middle of the")


def test_cameras_by_name_that_do_not_project():
    cameras = dict(left=dict(w=640, h=480), right=dict(w=640, h=480, c=[320, 240]))
    assert list(check_cameras(cameras)) == [('ok', '2 cameras')]


def test_swapped_positions_alone(large):
    """Projections do not depend on R and T; two views of the same time do."""
    camera = large.cameras[1] = dict(large.cameras[1])
    camera['T'] = camera['T'] + camera['R'] @ [[0.0], [0.0], [0.05]]
    assert next(check_projection(large))[0] == 'ok'
    ((_, message),) = check_views(large)
    assert message.startswith('the cameras of one moment see the person up to 50 mm apart in the room, in 1 of 8 ')
    assert f'first {large.sequences[1].name}: ' in message


def test_views_of_takes_whose_names_have_dots(large):
    """Takes 1 and 2 of one camera are no two views; nor is a camera compared without a place in the room."""
    for index, (name, sequence) in enumerate(zip(('walk.1', 'walk.2'), large.sequences, strict=False)):
        large.sequences[index] = sequence._replace(name=name)
    large.keypoints_3d[large.sequences[1].rows] += 1
    assert list(check_views(large)) == []
    large.cameras[2:] = [
        {key: value for key, value in camera.items() if key not in 'RT'} for camera in large.cameras[2:]
    ]
    large.keypoints_3d[large.sequences[4].rows] += 1
    assert list(check_views(large)) == []
