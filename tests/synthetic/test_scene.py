import numpy as np
import pytest

from depth_refine.functional.camera import camera_to_world, project
from depth_refine.synthetic.cameras import make_cameras
from depth_refine.synthetic.scene import make_scene
from depth_refine.synthetic.shading import Light

SIZE = 72
CAMERAS = list(make_cameras('S', 0, 0, SIZE, np.zeros((1, 17, 3)) + [0, 0, 1]).values())
LIGHT = Light.random(np.random.default_rng(0))


def scene_of(camera=CAMERAS[1], room=0, clutter=0, seat=None):
    return make_scene(camera, LIGHT, seat, np.random.default_rng([1, room]), np.random.default_rng([2, clutter]))


def world_points(scene):
    return camera_to_world(np.moveaxis(scene.rays * scene.depth, 0, -1).astype(np.float64), scene.camera)


@pytest.mark.parametrize('camera', CAMERAS)
def test_rooms(camera):
    """Rays with distortion undone, a horizontal floor, walls and a ceiling, nothing between camera and person."""
    scene = scene_of(camera)
    pixels = project(3 * np.moveaxis(scene.rays.astype(np.float64), 0, -1), camera)
    np.testing.assert_allclose(pixels, np.stack(np.meshgrid(*2 * [np.arange(SIZE)]), axis=-1), atol=1e-4)
    points = world_points(scene)
    assert scene.floor.sum() > 0.1 * SIZE**2
    np.testing.assert_allclose(points[scene.floor][:, 2], 0, atol=1e-4)
    assert points[..., 2].min() > -1e-4 and points[..., 2].max() < 3.3 + 1e-4
    assert scene.colours.min() >= 0 and scene.colours.max() <= 1 and scene.colours.std() > 0.03
    for room in range(8):
        middle = scene_of(camera, room, room).depth[SIZE // 3 : SIZE // 2, SIZE // 3 : 2 * SIZE // 3]
        assert middle.min() > np.linalg.norm(camera['T'][:2]) + 1.2


def test_chair_stands_on_the_floor_in_front_of_the_walls():
    empty, furnished = scene_of(), scene_of(seat=np.array([0.3, -0.2, 0.5]))
    changed = furnished.depth != empty.depth
    assert changed.sum() > 20 and np.all(furnished.depth[changed] < empty.depth[changed])
    points = world_points(furnished)[changed]
    assert np.linalg.norm(points[:, :2] - [0.3, -0.2], axis=1).max() < 0.35
    assert points[:, 2].min() > -0.03 and 0.35 < points[:, 2].max() < 0.45
    assert not furnished.floor[changed].any()
