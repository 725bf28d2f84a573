import numpy as np
import pytest

from depth_refine.functional.camera import project, world_to_camera
from depth_refine.synthetic.body import PLAIN, Limbs
from depth_refine.synthetic.cameras import make_cameras
from depth_refine.synthetic.motion import make_motion
from depth_refine.synthetic.renderer import SequenceRenderer, first_hits
from depth_refine.synthetic.scene import make_scene
from depth_refine.synthetic.shading import Light
from depth_refine.synthetic.subjects import make_appearance, make_proportions

FOCAL, SIZE = 120.0, (60, 80)


def rods(*rods, radius=0.05):
    """Rods as (start, end), facing the camera."""
    start, end = np.array(rods, np.float32).swapaxes(0, 1)
    n = len(rods)
    return Limbs(
        start, end, np.tile(np.float32([0, 0, -1]), (n, 1)), np.full((n, 2), radius), np.ones(n),
        np.eye(3, dtype=np.float32)[:n], np.full(n, PLAIN),
    )  # fmt: skip


def hits(limbs):
    """First hits of a pinhole camera without a scene."""
    height, width = SIZE
    y, x = np.meshgrid(np.arange(height) - height / 2, np.arange(width) - width / 2, indexing='ij')
    rays = np.stack([x / FOCAL, y / FOCAL, np.ones(SIZE)])
    rays = (rays / np.linalg.norm(rays, axis=0)).astype(np.float32)
    everywhere = np.tile([0, 0, width, height], (len(limbs.radii), 1))
    return first_hits(limbs, rays, np.full(SIZE, np.inf, np.float32), everywhere)


@pytest.mark.parametrize('order', [(0, 1), (1, 0)])
def test_the_nearer_limb_covers_the_farther_one(order):
    near, far = ((-0.5, 0, 3), (0.5, 0, 3)), ((0, -0.5, 4), (0, 0.5, 4))
    depth, limb, _ = hits(rods(*[(near, far)[index] for index in order]))
    near_index, far_index = order.index(0), order.index(1)
    row, column = SIZE[0] // 2, SIZE[1] // 2
    assert limb[row, column] == near_index and depth[row, column] == pytest.approx(2.95, abs=1e-3)
    assert limb[row - 8, column] == limb[row + 8, column] == far_index
    assert limb[0, 0] == -1


def test_crossing_limbs_cover_each_other_where_each_is_nearer():
    _, limb, _ = hits(rods(((-0.5, 0.02, 3), (0.5, 0.02, 4)), ((-0.5, -0.02, 4), (0.5, -0.02, 3))))
    row, column = SIZE[0] // 2, SIZE[1] // 2
    assert limb[row, column - 10] == 0 and limb[row, column + 10] == 1


def test_a_limb_is_wider_where_it_is_nearer():
    _, limb, _ = hits(rods(((-0.6, 0, 2.5), (0.9, 0, 5)), radius=0.12))
    widths = (limb >= 0).sum(axis=0)
    columns = [round(FOCAL * x / z + SIZE[1] / 2) for x, z in ((-0.45, 2.75), (0.75, 4.75))]
    near, far = widths[columns]
    assert near / far == pytest.approx(4.75 / 2.75, rel=0.25)
    assert near == pytest.approx(2 * 0.12 * FOCAL / 2.75, abs=2)


def test_the_scene_hides_what_is_behind_it():
    limbs = rods(((-0.3, 0, 4), (0.3, 0, 4)))
    ray = np.float32([[[0]], [[0]], [[1]]])
    for scene, expected in ((3.0, -1), (5.0, 0)):
        _, limb, _ = first_hits(limbs, ray, np.full((1, 1), scene, np.float32), np.array([[0, 0, 1, 1]]))
        assert limb.item() == expected


@pytest.fixture(scope='module', params=['Walking', 'Purchases', 'SittingDown'])
def sequence(request):
    """A renderer with all that belongs to it."""
    joints, seat = make_motion(request.param, make_proportions(3, 0), np.random.default_rng(3), 12)
    camera = list(make_cameras('S', 3, 0, 160, joints).values())[1]
    light = Light.random(np.random.default_rng(1))
    scene = make_scene(camera, light, seat, np.random.default_rng(2), np.random.default_rng(3))
    draw = SequenceRenderer(joints, make_appearance(3, 0), camera, scene, light, np.random.default_rng(4))
    return draw, joints, camera


def test_the_skeleton_lies_on_the_person(sequence):
    draw, joints, camera = sequence
    for frame in (0, 11):
        box = np.tile([0, 0, 160, 160], (len(draw.boxes[frame]), 1))
        depth, limb, _ = first_hits(draw.limbs[frame], draw.scene.rays, draw.scene.depth, box)
        local = world_to_camera(joints[frame], camera)
        u, v = np.round(project(local, camera)).astype(int).T
        assert np.mean(limb[v, u] >= 0) > 0.9
        # The person's surface is before each joint, by less than a trunk's thickness unless something else hides it.
        assert np.all(depth[v, u] < np.linalg.norm(local, axis=-1) + 0.03)


def test_boxes_hold_their_limbs(sequence):
    draw, _, _ = sequence
    everywhere = np.tile([0, 0, 160, 160], (len(draw.boxes[5]), 1))
    whole = first_hits(draw.limbs[5], draw.scene.rays, draw.scene.depth, everywhere)
    boxed = first_hits(draw.limbs[5], draw.scene.rays, draw.scene.depth, draw.boxes[5])
    np.testing.assert_array_equal(boxed[1], whole[1])


def test_person_and_shadow_show_in_the_picture(sequence):
    draw, _, _ = sequence
    image = draw(3)
    assert image.shape == (160, 160, 3) and image.dtype == np.uint8
    changed = np.abs(image.astype(float) - draw.background).max(axis=-1) > 40
    box = np.tile([0, 0, 160, 160], (len(draw.boxes[3]), 1))
    person = first_hits(draw.limbs[3], draw.scene.rays, draw.scene.depth, box)[1] >= 0
    assert changed[person].mean() > 0.3
    assert changed[draw.scene.floor & ~person].sum() > 20, 'the shadow'
    corner, _ = draw._crop(3, 160, 160)
    outside = np.ones((160, 160), bool)
    outside[corner] = False
    assert changed[outside].mean() < 1e-3, 'nothing but noise elsewhere'


def test_drawing_is_deterministic_and_frames_differ(sequence):
    draw, _, _ = sequence
    np.testing.assert_array_equal(draw(2), draw(2))
    assert np.any(draw(2) != draw(3))
