import numpy as np
import pytest
from scipy.special import expit

from depth_refine.inference.blazepose.landmarks import FLIP_INDICES, LandmarkNetwork, _Prediction, average, refine
from depth_refine.inference.blazepose.regions import Region

# BlazePose's landmarks, as published
NAMES = [
    'nose', 'left_eye_inner', 'left_eye', 'left_eye_outer', 'right_eye_inner', 'right_eye', 'right_eye_outer',
    'left_ear', 'right_ear', 'mouth_left', 'mouth_right', 'left_shoulder', 'right_shoulder', 'left_elbow',
    'right_elbow', 'left_wrist', 'right_wrist', 'left_pinky', 'right_pinky', 'left_index', 'right_index',
    'left_thumb', 'right_thumb', 'left_hip', 'right_hip', 'left_knee', 'right_knee', 'left_ankle', 'right_ankle',
    'left_heel', 'right_heel', 'left_foot_index', 'right_foot_index',
]  # fmt: skip
REGION = Region(np.array([230.0, 800.0]), 1900.0)  # of the photo: upright, the hips far below its edge
SEEN = dict(right_eye=(218, 190), left_eye=(308, 187), nose=(268, 235), mouth_right=(237, 278), mouth_left=(300, 274))


def test_sides():
    swap = {'left': 'right', 'right': 'left'}
    assert [NAMES[twin].split('_') for twin in FLIP_INDICES] == [
        [swap.get(part, part) for part in name.split('_')] for name in NAMES
    ]


def test_refinement():
    """The reference loops over the bins of each landmark; heatmaps are wide, some points are beyond the edges."""
    rng = np.random.default_rng(0)
    heatmaps, points = rng.normal(-4, 2, (12, 17, 60)), rng.uniform(-0.2, 1.2, (60, 2))
    found, moved = refine(points, heatmaps), 0
    for landmark, (x, y) in enumerate(points):
        column, row = int(np.floor(x * 17)), int(np.floor(y * 12))
        window = [(r, c) for r in range(row - 3, row + 4) for c in range(column - 3, column + 4)]
        window = [(r, c) for r, c in window if 0 <= r < 12 and 0 <= c < 17]
        expected, weights = (x, y), [expit(heatmaps[r, c, landmark]) for r, c in window]
        if (row, column) in window and max(weights) >= 0.5:
            total = sum(weights)
            expected = [
                sum(w * at[i] for w, at in zip(weights, window, strict=True)) / total / n for i, n in ((1, 17), (0, 12))
            ]
            moved += 1
        np.testing.assert_allclose(found[landmark], expected, rtol=1e-12)
    assert 5 < moved < 50


def make_prediction(seed):
    rng = np.random.default_rng(seed)
    return _Prediction(rng.uniform(size=(35, 2)), rng.normal(size=(33, 3)), rng.uniform(size=33), 0.5 + 0.1 * seed)


def test_averages_of_two_predictions():
    """The second one may be mirrored, and may exchange left and right."""
    one = make_prediction(0)
    for same in (one.mirror(256).mirror(256), one.exchange_sides(), one):
        for mean, expected in zip(average(one, same), one, strict=True):
            np.testing.assert_allclose(mean, expected, atol=1e-12)
    other = one._replace(metres=one.metres + 0.1, presence=0.9)
    np.testing.assert_allclose(average(one, other).metres, one.metres + 0.05)
    assert average(one, other).presence == pytest.approx(0.7)
    mirrored = one.mirror(256)
    np.testing.assert_allclose(mirrored.points[2], [255 / 256 - one.points[5, 0], one.points[5, 1]])  # the left eye
    np.testing.assert_allclose(mirrored.metres[16], one.metres[15] * [-1, 1, 1])  # the right wrist


@pytest.mark.parametrize('flip_test', [False, True])
def test_landmarks_of_a_photo(models, photo, flip_test):
    found = LandmarkNetwork(models[1], flip_test)(photo, REGION)
    pixels = dict(zip(NAMES, found.pixels, strict=True))
    for name, expected in SEEN.items():
        np.testing.assert_allclose(pixels[name], expected, atol=20)  # her face is 5 of 64 bins wide
    assert abs(pixels['left_shoulder'] - [455, 410]).max() < 50 and abs(pixels['right_shoulder'] - [75, 410]).max() < 50
    assert found.presence > 0.9
    metres, visible = (dict(zip(NAMES, values, strict=True)) for values in (found.metres, found.visibility))
    across = metres['left_shoulder'] - metres['right_shoulder']
    assert 0.25 < across[0] < 0.5 and abs(across[2]) < 0.15  # she faces the camera
    assert metres['nose'][1] < -0.4 and metres['nose'][2] < metres['left_ear'][2]  # above the hips, before the ears
    assert visible['nose'] > 0.9 and visible['left_ankle'] < 0.1


def test_rotated_and_mirrored_images(models, photo, place):
    """Landmarks and region move with the image."""
    network, angle = LandmarkNetwork(models[1]), 0.7
    plain = network(photo, REGION)
    cos, sin = np.cos(angle), np.sin(angle)
    similarity = np.array([[cos, -sin, 900], [sin, cos, 100.0]])
    turned = network(
        place(photo, (1500, 1000), similarity),
        Region(similarity[:, :2] @ REGION.center + similarity[:, 2], REGION.side, angle),
    )
    upper = slice(0, 13)  # the landmarks that the photo shows
    np.testing.assert_allclose(
        turned.pixels[upper], (plain.pixels @ similarity[:, :2].T + similarity[:, 2])[upper], atol=25
    )
    np.testing.assert_allclose(turned.metres[upper, :2], (plain.metres[:, :2] @ similarity[:, :2].T)[upper], atol=0.1)
    mirror = network(photo[:, ::-1], Region(np.array([511 - 230 + 1900 / 256, 800]), 1900.0))  # the last pixel first
    np.testing.assert_allclose(
        mirror.pixels[FLIP_INDICES][upper], ([511, 0] + plain.pixels * [-1, 1])[upper], atol=1e-3
    )
    np.testing.assert_allclose(mirror.metres[FLIP_INDICES][upper], (plain.metres * [-1, 1, 1])[upper], atol=1e-5)
