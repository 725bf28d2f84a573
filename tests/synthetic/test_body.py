import numpy as np

from depth_refine.structures.skeleton import H36M
from depth_refine.synthetic.body import CHEST, HEAD, WRIST_BAND, make_limbs
from depth_refine.synthetic.motion import make_motion
from depth_refine.synthetic.subjects import make_appearance, make_proportions

LOOK = make_appearance(2, seed=0)


JOINTS, _ = make_motion('Waiting', make_proportions(2, seed=0), np.random.default_rng(1), 20)
LIMBS = make_limbs(JOINTS, LOOK)


def test_flesh_covers_the_skeleton():
    for frame in (0, 19):
        start, axis = LIMBS.start[frame], LIMBS.end[frame] - LIMBS.start[frame]
        ends = JOINTS[frame][list(H36M.bones)]
        points = np.concatenate([(1 - u) * ends[:, 0] + u * ends[:, 1] for u in (0.0, 0.3, 0.7)])[:, None]
        s = np.clip(np.sum((points - start) * axis, -1) / np.sum(axis * axis, -1), 0, 1)
        radius = LIMBS.radii[:, 0] + s * (LIMBS.radii[:, 1] - LIMBS.radii[:, 0])
        outside = np.linalg.norm(points - start - s[..., None] * axis, axis=-1) - radius
        assert outside.min(axis=1).max() < 0.01


def test_front_and_left_are_marked(at):
    forward = np.cross(at(JOINTS, 'left_shoulder') - at(JOINTS, 'right_shoulder'), [0, 0, 1])
    for pattern in (CHEST, HEAD):
        (limb,) = np.flatnonzero(LIMBS.patterns == pattern)
        assert np.all(np.sum(LIMBS.front[:, limb] * forward, axis=-1) > 0.25)
        np.testing.assert_allclose(np.linalg.norm(LIMBS.front[:, limb], axis=-1), 1)
    (limb,) = np.flatnonzero(LIMBS.patterns == WRIST_BAND)
    np.testing.assert_allclose(LIMBS.end[:, limb], at(JOINTS, 'left_wrist'))
