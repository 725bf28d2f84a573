import cv2
import numpy as np
import pytest

from depth_refine.data_tools.checks.findings import Findings
from depth_refine.data_tools.checks.projection import check_projection, reprojection
from depth_refine.datasets import H36MAnnotation
from depth_refine.functional.camera import camera_to_world, project


@pytest.fixture
def annotation(data_root):
    """8 videos, 4 cameras; images as large as Human3.6M's, so that lenses matter."""
    folder = data_root / 'annotation_body3d'
    annotation = H36MAnnotation(folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl')
    annotation.cameras = [dict(camera, f=camera['f'] * 16, c=camera['c'] * 16) for camera in annotation.cameras]
    annotation.keypoints = map_joints(annotation, project)
    return annotation


def map_joints(annotation, function):
    """Apply a function of joints and camera to every video."""
    result = None
    for sequence, camera in zip(annotation.sequences, annotation.cameras, strict=True):
        values = function(annotation.keypoints_3d[sequence.rows].astype(float), camera)
        result = np.empty((len(annotation), *values.shape[1:]), np.float32) if result is None else result
        result[sequence.rows] = values
    return result


def check(annotation):
    findings = Findings()
    check_projection(annotation, 'a.npz', findings)
    return findings


def opencv(points, camera):
    """OpenCV's lens model, written out."""
    x, y = np.moveaxis(points[..., :2] / points[..., 2:], -1, 0)
    (k1, k2, k3), (p1, p2) = camera['k'].ravel(), camera['p'].ravel()
    r2 = x**2 + y**2
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2)
    v = y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y
    return np.stack([u, v], axis=-1) * camera['f'].ravel() + camera['c'].ravel()


def test_exact(annotation):
    (finding,) = check(annotation)
    assert finding == ('ok', 'a.npz', '2D joints lie within 0.0001 px of the projected 3D joints')


def test_a_few_joints(annotation):
    """The numbers of the message; joints that are not visible do not count."""
    rows = annotation.sequences[2].rows
    annotation.keypoints[rows[4], 7] += [3, 4]
    annotation.keypoints[rows[5], 8] += [0, 0.5]
    annotation.keypoints[rows[6], 9] += 100
    annotation.keypoints_visible = annotation.keypoints_visible.copy()
    annotation.keypoints_visible[rows[6], 9] = False
    (finding,) = check(annotation)
    assert finding.kind == 'problem'
    assert finding.message.startswith(
        '2D joints differ from the projected 3D joints by up to 5 px in 1 of 8 videos, '
        'more than 1 px at 0.1% of the joints; '
        f'the worst video is {annotation.sequences[2].name}. No known mistake explains it'
    )


def test_joints_behind_the_camera_and_two_reasons(annotation):
    no_lens(annotation)
    annotation.keypoints_3d[annotation.sequences[0].rows, 5, 2] *= -1
    finding = check(annotation)[0]
    assert finding.message.startswith(
        '2D joints differ from the projected 3D joints or these lie behind the camera in 8 of 8 videos, '
        'more than 1 px at'
    )
    assert f'the worst video is {annotation.sequences[0].name}. No known mistake' in finding.message
    assert finding.message.endswith('The lens distortion is missing in part: project with it.')


def world(annotation, scale):
    annotation.keypoints_3d = scale * map_joints(annotation, camera_to_world)


def no_lens(annotation):
    flat = np.zeros((3, 1)), np.zeros((2, 1))
    annotation.keypoints = map_joints(annotation, lambda x, camera: project(x, dict(camera, k=flat[0], p=flat[1])))


@pytest.mark.parametrize(
    ('kind', 'damage', 'reason'),
    [
        ('problem', lambda a: world(a, 1), 'S is in world coordinates: '),
        ('problem', lambda a: world(a, 1000), 'S is in millimetres of the world: '),
        ('problem', no_lens, 'The lens distortion is missing in part: '),
    ],
)
def test_reasons(annotation, kind, damage, reason):
    damage(annotation)
    finding = check(annotation)[0]
    assert finding.kind == kind and ' in 8 of 8 videos' in finding.message and f'. {reason}' in finding.message


def test_opencv_formula_is_a_note(annotation):
    annotation.keypoints = map_joints(annotation, opencv)
    (finding,) = check(annotation)
    assert finding.kind == 'note' and "part was made with OpenCV's formula for the lens" in finding.message
    assert 'more than 1 px at 0.0% of the joints' in finding.message


def test_swapped_cameras(annotation):
    """The videos of one camera carry the id of another."""
    ids = [sequence.camera for sequence in annotation.sequences]
    first, other = ids.index('54138969'), ids.index('58860488')
    rest = [index for index, camera in enumerate(ids) if camera in ('54138969', '58860488')]
    cameras = {'54138969': annotation.cameras[other], '58860488': annotation.cameras[first]}
    annotation.cameras = [cameras.get(i, camera) for i, camera in zip(ids, annotation.cameras, strict=True)]
    projection, views = check(annotation)
    assert f' in {len(rest)} of 8 videos' in projection.message
    assert 'The numbers are those of camera 5' in projection.message
    assert views.kind == 'problem' and 'see the person up to ' in views.message


def test_swapped_positions_alone(annotation):
    """Projection does not see R and T; two views of one moment do."""
    annotation.cameras = [dict(camera) for camera in annotation.cameras]
    name = annotation.sequences[1].name
    camera = annotation.cameras[1]
    camera['T'] = camera['T'] + camera['R'] @ [[0.0], [0.0], [0.05]]
    projection, views = check(annotation)
    assert projection.kind == 'ok' and views.kind == 'problem'
    assert views.message.startswith(
        'the cameras of one moment see the person up to 50 mm apart in the room, in 1 of 8 '
    )
    assert f'first {name}: ' in views.message


def test_reprojection_behind_the_camera():
    camera = dict(f=np.array([100, 90]), c=np.array([50, 40]), k=np.zeros(3), p=np.zeros(2))
    pixels = reprojection(np.array([[0.1, 0.2, 2], [0.1, 0.2, -2], [1, 1, 0]]), camera)
    np.testing.assert_allclose(pixels, [[55, 49], [np.nan] * 2, [np.nan] * 2])
    expected, _ = cv2.projectPoints(np.array([[0.1, 0.2, 2]]), np.zeros(3), np.zeros(3), np.array(
        [[100, 0, 50], [0, 90, 40], [0, 0, 1.0]]), None)  # fmt: skip
    np.testing.assert_allclose(pixels[:1], expected[0])
