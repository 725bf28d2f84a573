import numpy as np
import pytest

from depth_refine.functional.camera import project, world_to_camera
from depth_refine.synthetic.cameras import make_cameras
from depth_refine.synthetic.motion import make_motion
from depth_refine.synthetic.raycast import first_hits
from depth_refine.synthetic.renderer import SequenceRenderer
from depth_refine.synthetic.scene import make_scene
from depth_refine.synthetic.shading import Light
from depth_refine.synthetic.subjects import make_appearance, make_proportions

SIZE = 160


@pytest.fixture(scope='module', params=['Walking', 'Purchases', 'SittingDown'])
def sequence(request):
    joints, seat = make_motion(request.param, make_proportions(3, 0), np.random.default_rng(3), 12)
    camera = list(make_cameras('S', 3, 0, SIZE, joints).values())[1]
    light, rngs = Light.random(np.random.default_rng(1)), [np.random.default_rng(seed) for seed in (2, 3, 4)]
    scene = make_scene(camera, light, seat, *rngs[:2])
    return SequenceRenderer(joints, make_appearance(3, 0), scene, rngs[2]), joints


def whole_image(draw, frame):
    """First hits without the limbs' boxes, which must hold their limbs."""
    boxes = np.tile([0, 0, SIZE, SIZE], (len(draw.boxes[frame]), 1))
    depth, limb, _ = first_hits(draw.limbs[frame], draw.scene.rays, draw.scene.depth, boxes)
    _, boxed, _ = first_hits(draw.limbs[frame], draw.scene.rays, draw.scene.depth, draw.boxes[frame])
    np.testing.assert_array_equal(boxed, limb)
    return depth, limb


@pytest.mark.parametrize('frame', [0, 11])
def test_the_skeleton_lies_on_the_person(sequence, frame):
    draw, joints = sequence
    depth, limb = whole_image(draw, frame)
    local = world_to_camera(joints[frame], draw.scene.camera)
    u, v = np.round(project(local, draw.scene.camera)).astype(int).T
    assert np.mean(limb[v, u] >= 0) > 0.9
    # The person's surface is before each joint, by less than a trunk's thickness unless something else hides it.
    assert np.all(depth[v, u] < np.linalg.norm(local, axis=-1) + 0.03)


def test_person_and_shadow_show_in_the_image(sequence):
    draw, _ = sequence
    image = draw(3)
    assert image.shape == (SIZE, SIZE, 3) and image.dtype == np.uint8
    np.testing.assert_array_equal(draw(3), image)
    assert np.any(draw(2) != image)
    changed = np.abs(image.astype(float) - draw.background).max(axis=-1) > 40
    person = whole_image(draw, 3)[1] >= 0
    assert changed[person].mean() > 0.3
    assert changed[draw.scene.floor & ~person].sum() > 20, 'the shadow'
    crop, _ = draw._crop(3, SIZE, SIZE)
    changed[crop] = False
    assert changed.mean() < 1e-3, 'nothing but noise elsewhere'
