import numpy as np
import pytest

from depth_refine.functional.camera import project
from depth_refine.utils.h36m_facts import CAMERA_IDS, IMAGE_HEIGHTS, LENSES

# VideoPose3D's constants: centre, focal length, radial and tangential distortion
VIDEOPOSE3D = {
    '54138969': (512.54150390625, 515.4514770507812, 1145.0494384765625, 1143.7811279296875)
    + (-0.20709891617298126, 0.24777518212795258, -0.0030751503072679043, -0.0009756988729350269, -0.00142447161488235),
    '58860488': (519.8158569335938, 501.40264892578125, 1149.1407470703125, 1148.7989501953125)
    + (-0.2083381861448288, 0.25548800826072693, -0.0024604974314570427, 0.0014843869721516967, -0.0007599993259645998),
}


@pytest.mark.parametrize('camera_id', VIDEOPOSE3D)
def test_lenses_are_those_of_videopose3d(camera_id):
    cx, cy, fx, fy, k1, k2, k3, t1, t2 = VIDEOPOSE3D[camera_id]
    for x, y in ((0.3, 0.4), (-0.35, 0.2), (0.1, -0.4)):
        r2 = x * x + y * y
        factor = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + t1 * x + t2 * y  # as its project_to_2d adds them
        expected = fx * (x * factor + t1 * r2) + cx, fy * (y * factor + t2 * r2) + cy
        np.testing.assert_allclose(project(np.array([x, y, 1.0]), LENSES[camera_id]), expected, atol=1e-4)


def test_every_camera_has_a_lens_and_a_size():
    assert tuple(LENSES) == CAMERA_IDS == tuple(IMAGE_HEIGHTS)
