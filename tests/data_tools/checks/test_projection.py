import re

import numpy as np
import pytest

from depth_refine.data_tools.checks.projection import check_projection
from depth_refine.functional.camera import camera_to_world, project


def opencv(points, camera):
    """OpenCV's lens model, written out."""
    x, y = np.moveaxis(points[..., :2] / points[..., 2:], -1, 0)
    (k1, k2, k3), (p1, p2) = camera['k'].ravel(), camera['p'].ravel()
    r2 = x**2 + y**2
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2)
    v = y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y
    return np.stack([u, v], axis=-1) * camera['f'].ravel() + camera['c'].ravel()


def no_lens(annotation, map_joints):
    flat = dict(k=np.zeros((3, 1)), p=np.zeros((2, 1)))
    annotation.keypoints = map_joints(annotation, lambda joints, camera: project(joints, camera | flat))


def test_exact(large):
    assert list(check_projection(large)) == [('ok', '2D joints lie within 0.0001 px of the projected 3D joints')]


def test_a_few_joints(large):
    """The message has the right numbers; joints that are not visible do not count."""
    sequence = large.sequences[2]
    large.keypoints[sequence.rows[4], 7] += [3, 4]
    large.keypoints[sequence.rows[5], 8] += [0, 0.5]
    large.keypoints[sequence.rows[6], 9] += 100
    large.keypoints_visible = large.keypoints_visible.copy()
    large.keypoints_visible[sequence.rows[6], 9] = False
    large.keypoints[sequence.rows[6], 10] += 100
    large.keypoints_3d_visible = large.keypoints_3d_visible.copy()
    large.keypoints_3d_visible[sequence.rows[6], 10] = False
    ((kind, message),) = check_projection(large)
    assert kind == 'problem' and message.startswith(
        '2D joints differ from the projected 3D joints by up to 5 px in 1 of 8 videos, more than 1 px at 0.1% of the '
        f'joints; the worst is {large.skeleton.joint_names[7]} in frame 5 of {sequence.name}, where the median is 0.00 '
        'px. No known mistake explains it'
    )


def test_a_video_that_is_hidden_where_reasons_are_looked_for(large, monkeypatch):
    monkeypatch.setattr('depth_refine.data_tools.checks.projection._FRAMES_TO_EXPLAIN', 3)  # of 12: each fourth
    rows = large.sequences[2].rows
    large.keypoints_visible = large.keypoints_visible.copy()
    large.keypoints_visible[rows] = False
    large.keypoints_visible[rows[1]] = True
    large.keypoints[rows[1], 7] += [3, 4]
    ((kind, message),) = check_projection(large)
    assert kind == 'problem' and 'by up to 5 px in 1 of 8 videos' in message and 'No known mistake' in message


def test_joints_behind_the_camera_and_two_reasons(large, map_joints):
    no_lens(large, map_joints)
    large.keypoints_3d[large.sequences[0].rows, 5, 2] *= -1
    ((_, message),) = check_projection(large)
    assert 'projected 3D joints or these lie behind the camera in 8 of 8 videos, more than 1 px at' in message
    assert f'{large.skeleton.joint_names[5]} in frame 1 of {large.sequences[0].name}, where the median is ' in message
    assert ' px. No known mistake' in message
    assert message.endswith('The lens distortion is missing in part: project with it.')


@pytest.mark.parametrize(
    ('damage', 'kind', 'reason'),
    [
        (
            lambda a, map_joints: setattr(a, 'keypoints_3d', map_joints(a, camera_to_world)),
            'problem',
            'S is in world coordinates: ',
        ),
        (no_lens, 'problem', 'The lens distortion is missing in part: '),
        (
            lambda a, map_joints: setattr(a, 'keypoints', map_joints(a, opencv)),
            'note',
            "part was made with OpenCV's formula",
        ),
    ],
)
def test_reasons(large, map_joints, damage, kind, reason):
    damage(large, map_joints)
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


def focal_length(annotation):
    annotation.cameras = [dict(c, f=c['f'] * 1.3, c=c['c'] + 10) for c in annotation.cameras]


def late(annotation):
    rows = np.concatenate([s.rows[(np.arange(12) - 3).clip(0)] for s in annotation.sequences])
    annotation.keypoints = annotation.keypoints[rows]


def exchange(annotation):
    annotation.keypoints_3d = annotation.keypoints_3d[:, [0, 2, 1, *range(3, 17)]]


def shrink(annotation):
    root = annotation.keypoints_3d[:, :1]
    annotation.keypoints_3d = root + 0.9 * (annotation.keypoints_3d - root)


def move(annotation):
    annotation.keypoints_3d = annotation.keypoints_3d + [0.3, 0.1, 0]


def click(annotation):
    noise = np.random.default_rng(0).normal(0, 0.01, annotation.keypoints.shape)
    annotation.keypoints = annotation.keypoints + noise * 200 * annotation.scale[:, None, None]


@pytest.mark.parametrize(
    ('damage', 'kinds', 'reason'),
    [
        (focal_length, ['problem'] * 2, r'part is seen by a camera of f = ([\d.]+) [\d.]+ and .*? has f = ([\d.]+) '),
        (late, ['problem'] * 2, r'part is 3 frames late: give 2D and 3D joints of one moment one frame number\.'),
        (
            exchange,
            ['problem'] * 2,
            "part's right_hip is where S has right_knee, right_knee is where S has right_hip\\.",
        ),
        (shrink, ['problem', 'note'], r'S is the pose that part shows times 0\.9, about the root'),
        (move, ['problem'] * 2, 'No known mistake explains it'),
        (click, ['problem', 'note'], 'No known mistake explains it'),
    ],
)
def test_mistakes_of_data_of_ones_own(large, damage, kinds, reason):
    """Where 2D joints need not be exact projections, what is harmless is a note."""
    damage(large)
    for is_exact, expected in zip((True, False), kinds, strict=True):
        ((kind, message),) = check_projection(large, is_exact)
        assert kind == expected
        found = re.search(reason, message)
        assert found and (not found.groups() or float(found[2]) == pytest.approx(1.3 * float(found[1]), rel=1e-3))


def test_cameras_without_focal_length(large):
    large.keypoints += 100
    large.cameras = [dict(w=1, h=1) for _ in large.cameras]
    assert list(check_projection(large)) == [('note', "2D and 3D joints are not compared: no camera has 'f' and 'c'")]
