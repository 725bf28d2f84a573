import numpy as np
import pytest

from depth_refine.structures.skeleton import BONES, JOINT_NAMES
from depth_refine.synthetic.body import CHEST, HEAD, WRIST_BAND, make_limbs
from depth_refine.synthetic.motion import make_motion
from depth_refine.synthetic.subjects import make_appearance, make_proportions

J = {name: index for index, name in enumerate(JOINT_NAMES)}
LOOK = make_appearance(2, seed=0)
JOINTS = make_motion('Waiting', make_proportions(2, seed=0), np.random.default_rng(0), 20)[0]


def distance_to_limbs(points, limbs, frame):
    """Signed metres from points (n, 3) to the nearest limb's surface, as if limbs were not flattened."""
    start, axis = limbs.start[frame], limbs.end[frame] - limbs.start[frame]
    s = np.clip(np.sum((points[:, None] - start) * axis, -1) / np.sum(axis * axis, -1), 0, 1)[..., None]
    radius = limbs.radii[:, 0] + s[..., 0] * (limbs.radii[:, 1] - limbs.radii[:, 0])
    return (np.linalg.norm(points[:, None] - start - s * axis, axis=-1) - radius).min(axis=1)


def test_flesh_covers_the_skeleton():
    limbs = make_limbs(JOINTS, LOOK)
    for frame in (0, 19):
        joints = JOINTS[frame]
        on_bones = np.stack([joints[a] + u * (joints[b] - joints[a]) for a, b in BONES for u in (0.0, 0.3, 0.7)])
        assert distance_to_limbs(on_bones, limbs, frame).max() < 0.01


def test_front_is_where_the_person_looks():
    limbs = make_limbs(JOINTS, LOOK)
    left = JOINTS[:, J['left_shoulder']] - JOINTS[:, J['right_shoulder']]
    forward = np.cross(left, [0, 0, 1])
    for pattern in (CHEST, HEAD):
        (limb,) = np.flatnonzero(limbs.patterns == pattern)
        assert np.all(np.sum(limbs.front[:, limb] * forward, axis=-1) > 0.25)
        np.testing.assert_allclose(np.linalg.norm(limbs.front[:, limb], axis=-1), 1)


def test_band_is_on_the_left_wrist_only():
    limbs = make_limbs(JOINTS, LOOK)
    (limb,) = np.flatnonzero(limbs.patterns == WRIST_BAND)
    np.testing.assert_allclose(limbs.end[:, limb], JOINTS[:, J['left_wrist']])


def test_toes_point_forward_also_with_bent_knees():
    joints = make_motion('Purchases', make_proportions(2, seed=0), np.random.default_rng(1), 150)[0]
    limbs = make_limbs(joints, LOOK)
    left = joints[:, J['left_hip']] - joints[:, J['right_hip']]
    forward = np.cross(left, [0, 0, 1])
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    shoes = np.flatnonzero(np.all(limbs.colours == np.float32(LOOK.shoe), axis=1))
    assert len(shoes) == 2
    for shoe in shoes:
        toes = limbs.end[:, shoe] - limbs.start[:, shoe]
        assert np.all(np.sum(toes * forward, axis=-1) > 0.6 * np.linalg.norm(toes, axis=-1))


def test_seen_by_is_a_rigid_change_of_frame():
    limbs = make_limbs(JOINTS, LOOK)
    rotation = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    seen = limbs.seen_by({'R': rotation, 'T': np.array([[-4.0], [0.5], [1.5]])})
    np.testing.assert_allclose(seen.start, (limbs.start - [-4, 0.5, 1.5]) @ rotation, atol=1e-6)
    np.testing.assert_allclose(seen.front, limbs.front @ rotation, atol=1e-6)
    assert seen.start.dtype == np.float32
    one = seen[3]
    np.testing.assert_array_equal(one.end, seen.end[3])


@pytest.mark.parametrize('scale', [0.8, 1.2])
def test_thickness_follows_the_stature(scale):
    plain, scaled = make_limbs(JOINTS, LOOK), make_limbs(scale * JOINTS, LOOK)
    np.testing.assert_allclose(scaled.radii, scale * plain.radii)
