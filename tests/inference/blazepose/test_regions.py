import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from depth_refine.inference.blazepose.regions import Region, crop, region_of_body, region_of_box, squares, to_image


@pytest.mark.parametrize(('reach', 'angle'), [((100, 150), 0), ((150, 200), 90), ((100, 250), 180), ((50, 200), -90)])
def test_a_body_stands_upright_in_its_region(reach, angle):
    """The circle of radius 50 px has the diameter 100 px, and the region 1.25 times that."""
    region = region_of_body(np.array([100, 200]), np.array(reach))
    np.testing.assert_allclose([*region.center, region.side], [100, 200, 125])
    np.testing.assert_allclose(abs(np.degrees(region.angle)), abs(angle), atol=1e-9)
    np.testing.assert_allclose(to_image(np.array([[0.5, 0.5], [0.5, 0.1]]), region), [[100, 200], reach], atol=1e-9)


def test_corners_of_boxes_and_of_turned_regions():
    corners = np.array([[0, 0], [1, 0], [1, 1]])
    np.testing.assert_allclose(to_image(corners, region_of_box([10, 20, 40, 120])), [[-25, 20], [75, 20], [75, 120]])
    turned = Region(np.array([50.0, 60.0]), 20.0, np.pi / 2)  # its x axis is the image's y axis
    np.testing.assert_allclose(to_image(corners, turned), [[60, 50], [60, 70], [40, 70]])


@pytest.mark.parametrize(
    ('border', 'mode'), [(cv2.BORDER_REPLICATE, 'nearest'), (cv2.BORDER_CONSTANT, 'grid-constant')]
)
def test_crops_are_bilinear(border, mode):
    image = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8), (97, 75))
    region, size = Region(np.array([70.3, 30.6]), 90.0, 0.4), 41
    y, x = np.mgrid[:size, :size]
    where = to_image(np.stack([x, y], axis=-1) / size, region)
    expected = [
        map_coordinates(plane, [where[..., 1], where[..., 0]], float, 1, mode) for plane in np.moveaxis(image, 2, 0)
    ]
    cut = crop(image, region, size, border)
    # OpenCV interpolates in steps of 1/32 px
    np.testing.assert_allclose(cut.astype(float), np.stack(expected, axis=-1), atol=6 if mode == 'nearest' else 9)


@pytest.mark.parametrize('size', [(1920, 1080), (75, 97), (50, 50), (300, 40)])
@pytest.mark.parametrize('share', [1, 0.5])
def test_squares_hold_whatever_is_half_their_side(size, share):
    side = share * min(size)
    found, size = squares(size, side), np.array(size)
    for corner in np.random.default_rng(0).uniform(0, size - side / 2, (100, 2)):
        assert any((np.abs(corner + side / 4 - region.center) <= side / 4 + 1e-9).all() for region in found)
    for region in found:
        assert (region.center >= side / 2 - 1e-9).all() and (region.center <= size - side / 2 + 1e-9).all()
    assert len(found) <= 4 * size.prod() / side**2
