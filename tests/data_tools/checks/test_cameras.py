import re

import numpy as np
import pytest

from depth_refine.data_tools.checks.cameras import check_cameras, check_projection, check_views
from depth_refine.datasets import load_cameras
from depth_refine.functional.camera import camera_to_world, project


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


@pytest.fixture
def large(annotation):
    """Images as large as Human3.6M's, so that lenses matter."""
    annotation.cameras = [dict(camera, f=camera['f'] * 16, c=camera['c'] * 16) for camera in annotation.cameras]
    annotation.keypoints = map_joints(annotation, project)
    return annotation


def map_joints(annotation, function):
    videos = zip(annotation.sequences, annotation.cameras, strict=True)
    values = [function(annotation.keypoints_3d[sequence.rows].astype(float), camera) for sequence, camera in videos]
    order = np.argsort(np.concatenate([sequence.rows for sequence in annotation.sequences]))
    return np.concatenate(values)[order].astype(np.float32)


def opencv(points, camera):
    """OpenCV's lens model, written out."""
    x, y = np.moveaxis(points[..., :2] / points[..., 2:], -1, 0)
    (k1, k2, k3), (p1, p2) = camera['k'].ravel(), camera['p'].ravel()
    r2 = x**2 + y**2
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2)
    v = y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y
    return np.stack([u, v], axis=-1) * camera['f'].ravel() + camera['c'].ravel()


def no_lens(annotation):
    flat = dict(k=np.zeros((3, 1)), p=np.zeros((2, 1)))
    annotation.keypoints = map_joints(annotation, lambda joints, camera: project(joints, camera | flat))


def test_exact(large):
    assert list(check_projection(large)) == [('ok', '2D joints lie within 0.0001 px of the projected 3D joints')]
    assert list(check_views(large)) == []


def test_a_few_joints(large):
    """The message has the right numbers; joints that are not visible do not count."""
    sequence = large.sequences[2]
    large.keypoints[sequence.rows[4], 7] += [3, 4]
    large.keypoints[sequence.rows[5], 8] += [0, 0.5]
    large.keypoints[sequence.rows[6], 9] += 100
    large.keypoints_visible = large.keypoints_visible.copy()
    large.keypoints_visible[sequence.rows[6], 9] = False
    ((kind, message),) = check_projection(large)
    assert kind == 'problem' and message.startswith(
        '2D joints differ from the projected 3D joints by up to 5 px in 1 of 8 videos, more than 1 px at 0.1% of the '
        f'joints; the worst video is {sequence.name}. No known mistake explains it'
    )


def test_joints_behind_the_camera_and_two_reasons(large):
    no_lens(large)
    large.keypoints_3d[large.sequences[0].rows, 5, 2] *= -1
    ((_, message),) = check_projection(large)
    assert 'projected 3D joints or these lie behind the camera in 8 of 8 videos, more than 1 px at' in message
    assert f'the worst video is {large.sequences[0].name}. No known mistake' in message
    assert message.endswith('The lens distortion is missing in part: project with it.')


@pytest.mark.parametrize(
    ('damage', 'kind', 'reason'),
    [
        (
            lambda a: setattr(a, 'keypoints_3d', map_joints(a, camera_to_world)),
            'problem',
            'S is in world coordinates: ',
        ),
        (no_lens, 'problem', 'The lens distortion is missing in part: '),
        (lambda a: setattr(a, 'keypoints', map_joints(a, opencv)), 'note', "part was made with OpenCV's formula"),
    ],
)
def test_reasons(large, damage, kind, reason):
    damage(large)
    ((got, message),) = check_projection(large)
    assert got == kind and ' in 8 of 8 videos' in message and f'. {reason}' in message
    assert kind == 'problem' or 'more than 1 px at 0.0% of the joints' in message


def test_swapped_cameras(large):
    """The videos of one camera carry the id of another."""
    ids = [sequence.camera for sequence in large.sequences]
    first, other = ids.index('54138969'), ids.index('58860488')
    cameras = {'54138969': large.cameras[other], '58860488': large.cameras[first]}
    large.cameras = [cameras.get(name, camera) for name, camera in zip(ids, large.cameras, strict=True)]
    ((_, message),) = check_projection(large)
    assert ' in 4 of 8 videos' in message and 'The numbers are those of camera 5' in message
    ((kind, message),) = check_views(large)
    assert kind == 'problem' and 'see the person up to ' in message


def test_swapped_positions_alone(large):
    """Projections do not depend on R and T; two views of the same time do."""
    camera = large.cameras[1] = dict(large.cameras[1])
    camera['T'] = camera['T'] + camera['R'] @ [[0.0], [0.0], [0.05]]
    assert next(check_projection(large))[0] == 'ok'
    ((_, message),) = check_views(large)
    assert message.startswith('the cameras of one moment see the person up to 50 mm apart in the room, in 1 of 8 ')
    assert f'first {large.sequences[1].name}: ' in message
