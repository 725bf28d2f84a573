import numpy as np
import pytest

from depth_refine.inference.blazepose.detector import Detections, PersonDetector, decode, make_anchors, merge
from depth_refine.inference.blazepose.regions import region_of_box


def test_anchors():
    """Two at each place of 28 x 28 and 14 x 14, six of 7 x 7, one row after the other."""
    expected = [
        ((column + 0.5) / count, (row + 0.5) / count)
        for count, repeats in ((28, 2), (14, 2), (7, 6))
        for row in range(count)
        for column in range(count)
        for _ in range(repeats)
    ]
    assert len(expected) == 2254
    np.testing.assert_allclose(make_anchors(224), expected)


def test_decoding():
    boxes = np.zeros((3, 12), np.float32)
    boxes[1] = [20, -10, 40, 60, 20, 30, 0, -70, 5, 5, -5, -5]
    anchors = np.array([[0.1, 0.1], [0.5, 0.25], [0.9, 0.9]])
    found = decode(boxes, np.array([[-0.01], [2.0], [-1e9]], np.float32), anchors, 100)
    np.testing.assert_allclose(found.bboxes, [[0.5, -0.15, 0.9, 0.45]], atol=1e-7)
    np.testing.assert_allclose(found.points, [[[0.7, 0.55], [0.5, -0.45], [0.55, 0.3], [0.45, 0.2]]], atol=1e-7)
    np.testing.assert_allclose(found.scores, [1 / (1 + np.exp(-2))])


def test_candidates_of_a_person_are_averaged_by_score():
    bboxes = np.array([[0, 0, 1, 1], [5, 5, 6, 6], [0.2, 0, 1.2, 1], [0.6, 0, 1.6, 1]])  # IoU with the third: .67, .43
    scores = np.array([0.6, 0.8, 0.9, 0.5])
    points = np.arange(32.0).reshape(4, 4, 2)
    found = merge(Detections(bboxes, points, scores))
    np.testing.assert_allclose(found.scores, [0.9, 0.8])
    weights = np.array([0.6, 0.9, 0.5]) / 2
    np.testing.assert_allclose(found.bboxes, [weights @ bboxes[[0, 2, 3]], bboxes[1]])
    np.testing.assert_allclose(found.points, [np.tensordot(weights, points[[0, 2, 3]], 1), points[1]])
    # candidates that overlap less are another person, as are boxes without area
    apart = Detections(np.array([[0, 0, 1, 1], [0.6, 0, 1.6, 1], [3, 3, 3, 3]]), points[:3], scores[:3])
    np.testing.assert_array_equal(merge(apart).points, points[[2, 1, 0]])
    none = merge(Detections(np.zeros((0, 4)), np.zeros((0, 4, 2)), np.zeros(0)))
    assert [len(values) for values in none] == [0, 0, 0] and none.points.shape == (0, 4, 2)


@pytest.mark.parametrize(('scale', 'shift'), [(1.0, [(0, 0)]), (0.4, [(300, 250), (40, 250)])])
def test_people_in_an_image(models, photo, place, scale, shift):
    """The body is below the head, which is at (268, 200) of the photo; nobody is found in noise."""
    image = np.full((600, 512, 3), 128, np.uint8)
    for x, y in shift:
        shown = place(photo, (512, 600), np.array([[scale, 0, x], [0, scale, y]]))
        image = np.where(shown == 128, image, shown)
    regions = PersonDetector(models[0])(image, region_of_box([0, 0, 512, 600]))
    assert len(regions) == len(shift)
    heads = sorted(scale * 268 + x for x, _ in shift)
    for region, head in zip(sorted(regions, key=lambda region: region.center[0]), heads, strict=True):
        assert abs(region.center[0] - head) < 100 * scale and region.center[1] > scale * 500
        assert abs(region.angle) < 0.2
    noise = np.random.default_rng(0).integers(0, 256, (75, 97, 3), np.uint8)
    assert PersonDetector(models[0])(noise, region_of_box([0, 0, 97, 75])) == []
