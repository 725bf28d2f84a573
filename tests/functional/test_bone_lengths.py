"""Constant bone lengths against scipy's optimiser and poses of known lengths."""

import numpy as np
import pytest
from scipy.optimize import least_squares
from skeletons import MPI_INF_3DHP, smpl_metainfo, standing_pose

from depth_refine.functional import bone_lengths
from depth_refine.functional.bone_lengths import fix_bone_lengths, median_lengths
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError

SKELETONS = {
    'human36m': H36M,
    'mpi_inf_3dhp': Skeleton.from_metainfo(MPI_INF_3DHP, 14),
    'root at an elbow': Skeleton.from_metainfo(smpl_metainfo(), 'left_elbow'),
}


@pytest.fixture(params=SKELETONS)
def skeleton(request):
    return SKELETONS[request.param]


@pytest.fixture
def person(skeleton):
    """A pose (K, 3), metres, 4 m in front of the camera, off its axis."""
    return standing_pose(skeleton) + [0.8, -0.3, 4]


def test_medians_go_over_both_sides_where_both_have_the_bone():
    """The left hand is linked to the right one, and that bone has no counterpart."""
    skeleton = Skeleton(('hip', 'l_leg', 'r_leg', 'r_hand', 'l_hand'), (-1, 0, 0, 0, 3), (0, 2, 1, 4, 3))
    joints = np.array([[[0, 0, 0], [1, 0, 0], [-3, 0, 0], [0, 4, 0], [0, 9, 0]]], float)
    np.testing.assert_allclose(median_lengths(joints, skeleton), [0, 2, 2, 4, 5])


@pytest.mark.parametrize('ratio', [1.0, 3.0])
def test_joints_move_as_little_as_scipy_finds(skeleton, person, ratio, monkeypatch):
    """The steps nearly solve the least squares problem of the docstring; then bones are set from the root outwards."""
    monkeypatch.setattr(bone_lengths, '_STEPS', 200)
    rng = np.random.default_rng(0)
    noisy = person + rng.normal(0, 0.008, (4, *person.shape))
    lengths = 0.98 * median_lengths(person[None], skeleton)
    bones = skeleton.bones
    for frame, result in zip(noisy, fix_bone_lengths(noisy, lengths, skeleton, ratio), strict=True):
        rays = frame / np.linalg.norm(frame, axis=-1, keepdims=True)

        def residuals(flat, frame=frame, rays=rays):
            moved = flat.reshape(frame.shape)
            along = np.sum((moved - frame) * rays, axis=-1, keepdims=True) * rays
            missing = [np.linalg.norm(moved[j] - moved[i]) - lengths[j] for i, j in bones]
            return np.concatenate([(moved - frame - along).ravel(), along.ravel() / ratio, missing])

        best = least_squares(residuals, frame.ravel(), xtol=1e-12, ftol=1e-12).x.reshape(frame.shape)
        expected = best.copy()
        for joint in skeleton.from_root[1:]:
            bone = best[joint] - best[skeleton.parents[joint]]
            expected[joint] = expected[skeleton.parents[joint]] + lengths[joint] * bone / np.linalg.norm(bone)
        np.testing.assert_allclose(result, expected, atol=2e-4)
        assert np.abs(frame - expected).max() > 0.015, 'joints should move'


def test_depths_are_repaired_and_lengths_exact(skeleton, person, monkeypatch):
    lengths = np.linalg.norm(person - person[list(skeleton.parents)], axis=-1)
    true = person + np.linspace(0, 0.5, 40)[:, None, None] * [1, 0, 1]
    rays = true / np.linalg.norm(true, axis=-1, keepdims=True)
    noisy = true + np.random.default_rng(1).normal(0, 0.06, (*true.shape[:2], 1)) * rays
    fixed = fix_bone_lengths(noisy, lengths, skeleton)
    np.testing.assert_allclose(skeleton.bone_lengths(fixed), np.tile(np.delete(lengths, skeleton.root), (40, 1)))
    assert np.linalg.norm(fixed - true, axis=-1).mean() < 0.95 * np.linalg.norm(noisy - true, axis=-1).mean()
    np.testing.assert_allclose(fix_bone_lengths(true, lengths, skeleton), true, atol=1e-12)
    monkeypatch.setattr(bone_lengths, '_FRAMES_AT_ONCE', 7)
    np.testing.assert_array_equal(fix_bone_lengths(noisy, lengths, skeleton), fixed)


@pytest.mark.parametrize(
    ('change', 'error', 'message'),
    [
        (dict(joints=np.zeros((3, 16, 3))), InputError, r'expected poses \(T, 17, 3\) of one frame or more'),
        (dict(joints=np.full((3, 17, 3), np.nan)), InputError, 'expected finite poses, got .* in frame 0, root'),
        (dict(joints=np.ones((3, 17, 3))), InputError, 'root coincide in frame 0: a bone without length'),
        (dict(lengths=np.ones(16)), ValueError, 'expected 17 lengths of bones, above 0 but for the root'),
        (dict(lengths=np.zeros(17)), ValueError, 'expected 17 lengths of bones, above 0 but for the root'),
        (dict(depth_ratio=0.9), ValueError, 'expected depth_ratio to be 1 or more, got 0.9'),
    ],
)
def test_wrong_arguments_are_refused(change, error, message):
    arguments = dict(joints=standing_pose(H36M)[None] + 4, lengths=np.r_[0, np.ones(16)], skeleton=H36M)
    with pytest.raises(error, match=message):
        fix_bone_lengths(**(arguments | change))
