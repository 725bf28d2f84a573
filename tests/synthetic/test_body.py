import numpy as np
import pytest

from depth_refine.structures.skeleton import BONES
from depth_refine.synthetic.body import CHEST, HEAD, WRIST_BAND, make_limbs
from depth_refine.synthetic.motion import make_motion
from depth_refine.synthetic.subjects import make_appearance, make_proportions

LOOK = make_appearance(2, seed=0)


def motion(activity, frames):
    return make_motion(activity, make_proportions(2, seed=0), np.random.default_rng(1), frames)[0]


@pytest.fixture
def joints():
    return motion('Waiting', 20)


@pytest.fixture
def limbs(joints):
    return make_limbs(joints, LOOK)


@pytest.mark.parametrize('frame', [0, 19])
def test_flesh_covers_the_skeleton(joints, limbs, frame):
    points = np.stack([(1 - u) * joints[frame, a] + u * joints[frame, b] for a, b in BONES for u in (0.0, 0.3, 0.7)])
    start, axis = limbs.start[frame], limbs.end[frame] - limbs.start[frame]
    s = np.clip(np.sum((points[:, None] - start) * axis, -1) / np.sum(axis * axis, -1), 0, 1)
    radius = limbs.radii[:, 0] + s * (limbs.radii[:, 1] - limbs.radii[:, 0])
    outside = np.linalg.norm(points[:, None] - start - s[..., None] * axis, axis=-1) - radius
    assert outside.min(axis=1).max() < 0.01


def test_front_and_left_are_marked(at, joints, limbs):
    forward = np.cross(at(joints, 'left_shoulder') - at(joints, 'right_shoulder'), [0, 0, 1])
    for pattern in (CHEST, HEAD):
        (limb,) = np.flatnonzero(limbs.patterns == pattern)
        assert np.all(np.sum(limbs.front[:, limb] * forward, axis=-1) > 0.25)
        np.testing.assert_allclose(np.linalg.norm(limbs.front[:, limb], axis=-1), 1)
    (limb,) = np.flatnonzero(limbs.patterns == WRIST_BAND)
    np.testing.assert_allclose(limbs.end[:, limb], at(joints, 'left_wrist'))


def test_toes_point_forward_also_with_bent_knees(at):
    joints = motion('Purchases', 150)
    limbs = make_limbs(joints, LOOK)
    forward = np.cross(at(joints, 'left_hip') - at(joints, 'right_hip'), [0, 0, 1])
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    shoes = np.flatnonzero(np.all(limbs.colours == np.float32(LOOK.shoe), axis=1))
    assert len(shoes) == 2
    for shoe in shoes:
        toes = limbs.end[:, shoe] - limbs.start[:, shoe]
        assert np.all(np.sum(toes * forward, axis=-1) > 0.6 * np.linalg.norm(toes, axis=-1))


def test_thickness_follows_the_stature(joints, limbs):
    np.testing.assert_allclose(make_limbs(1.2 * joints, LOOK).radii, 1.2 * limbs.radii)
