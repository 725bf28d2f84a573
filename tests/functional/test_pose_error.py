"""Errors and alignments against scipy and against loops over frames and joints."""

import numpy as np
import pytest
from mmpose.evaluation.functional.mesh_eval import compute_similarity_transform
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import minimize_scalar
from scipy.spatial.transform import Rotation

from depth_refine.functional.pose_error import difference_error, mpjpe, scale_align, similarity_align

FRAMES, JOINTS = 23, 17


@pytest.fixture
def poses():
    """Truth and a prediction 30 mm or so off per axis, (23, 17, 3) each."""
    rng = np.random.default_rng(0)
    gt = rng.normal(0, 0.4, (FRAMES, JOINTS, 3))
    return gt + rng.normal(0, 0.03, gt.shape), gt


@pytest.fixture
def visible():
    """A mask with at least four joints in every frame and some hidden in most."""
    mask = np.random.default_rng(1).random((FRAMES, JOINTS)) < 0.7
    mask[:, :4] = True
    return mask


def _random_similarities(rng, frames):
    rotation = Rotation.random(frames, random_state=rng).as_matrix()
    return rng.uniform(0.3, 3, (frames, 1, 1)), rotation, rng.normal(0, 2, (frames, 1, 3))


def _without_hidden_joints(pred, gt, visible):
    """Frame by frame, the visible joints alone."""
    for frame in range(len(gt)):
        yield pred[frame][visible[frame]], gt[frame][visible[frame]]


def test_mpjpe_against_loop(poses, visible):
    expected = []
    for pred, gt in _without_hidden_joints(*poses, visible):
        expected.append(sum(np.sqrt(((p - g) ** 2).sum()) for p, g in zip(pred, gt, strict=True)) / len(gt))
    np.testing.assert_allclose(mpjpe(*poses, visible), expected, rtol=1e-12)
    _, gt = poses
    np.testing.assert_allclose(mpjpe(gt + [0.03, 0, 0.04], gt), np.full(FRAMES, 0.05), rtol=1e-9)


def test_similarity_align_against_scipy(poses, visible):
    pred, gt = poses
    aligned = similarity_align(np.where(visible[..., None], pred, 1e3), gt, visible)
    for frame, (p, g) in enumerate(_without_hidden_joints(pred, gt, visible)):
        centred = p - p.mean(0)
        rotation, trace = orthogonal_procrustes(centred, g - g.mean(0))
        assert np.linalg.det(rotation) > 0, 'scipy may mirror, so the fixture must not ask for it'
        expected = trace / np.sum(centred**2) * centred @ rotation + g.mean(0)
        np.testing.assert_allclose(aligned[frame][visible[frame]], expected, rtol=0, atol=1e-12)


def test_protocol_2_ignores_any_similarity(poses, visible):
    pred, gt = poses
    scale, rotation, shift = _random_similarities(np.random.default_rng(3), FRAMES)
    moved = scale * pred @ rotation + shift
    before = mpjpe(similarity_align(pred, gt, visible), gt, visible)
    np.testing.assert_allclose(mpjpe(similarity_align(moved, gt, visible), gt, visible), before, rtol=0, atol=1e-12)
    assert before.min() > 0.01
    np.testing.assert_allclose(similarity_align(scale * gt @ rotation + shift, gt), gt, rtol=0, atol=1e-12)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('kind', ['mirrored', 'flat', 'mirrored and flat', 'on a line', 'unrelated', 'far away'])
def test_similarity_align_against_mmpose(kind, dtype):
    """Also where mirroring would fit better, on both sides of the smallest gap."""
    rng = np.random.default_rng(9)
    gt = rng.normal(0, 0.4, (300, JOINTS, 3))
    if 'flat' in kind:
        gt[..., 2] = 0
    if kind == 'on a line':
        gt[..., 1:] *= np.geomspace(1e-5, 0.3, len(gt))[:, None, None]
    scale, rotation, shift = _random_similarities(rng, len(gt))
    noise = 1e-3 if kind == 'mirrored and flat' else 0.05
    pred = scale * (gt + rng.normal(0, noise, gt.shape)) @ rotation + shift
    if 'mirrored' in kind:
        pred[..., 0] *= -1
    if kind == 'unrelated':
        pred = rng.normal(0, 0.4, gt.shape)
    if kind == 'far away':
        gt, pred = gt + [0, 0, 5], pred + [0, 0, 5]
    gt, pred = gt.astype(dtype), pred.astype(dtype)
    double = zip(pred.astype(float), gt.astype(float), strict=True)
    mmpose = np.stack([compute_similarity_transform(*pair) for pair in double])
    aligned = similarity_align(pred, gt)
    np.testing.assert_allclose(mpjpe(aligned, gt), mpjpe(mmpose, gt), rtol=0, atol=1e-8)
    np.testing.assert_allclose(aligned, mmpose, rtol=0, atol=1e-6)


@pytest.mark.parametrize('align', [similarity_align, scale_align])
def test_points_and_no_frames_are_aligned_without_dividing_by_zero(align):
    gt = np.random.default_rng(6).normal(size=(2, JOINTS, 3))
    assert mpjpe(align(gt[:0], gt[:0]), gt[:0]).shape == (0,)
    with np.errstate(all='raise'):
        aligned = align(np.zeros_like(gt), gt)
        collapsed = align(gt, np.zeros_like(gt))
    centre = gt.mean(1, keepdims=True) if align is similarity_align else 0
    np.testing.assert_allclose(aligned, np.zeros_like(gt) + centre, atol=1e-12)
    np.testing.assert_allclose(collapsed, 0, atol=1e-12)


def test_scale_align_against_scalar_minimisation(poses, visible):
    pred, gt = poses
    aligned = scale_align(pred * 0.4, gt, visible)
    for frame, (p, g) in enumerate(_without_hidden_joints(pred * 0.4, gt, visible)):
        best = minimize_scalar(lambda s, p=p, g=g: np.sum((s * p - g) ** 2), tol=1e-12).x
        np.testing.assert_allclose(aligned[frame], best * 0.4 * pred[frame], rtol=1e-6)
    assert np.ptp(aligned / pred) > 0.01, 'each frame has its own scale'


@pytest.mark.parametrize(('order', 'factors'), [(1, [-1, 1]), (2, [1, -2, 1])])
def test_difference_error_against_loop(poses, visible, order, factors):
    pred, gt = poses
    expected = []
    for t in range(FRAMES - order):
        change = sum(factor * (pred - gt)[t + step] for step, factor in enumerate(factors))
        seen = visible[t : t + order + 1].all(axis=0)
        expected.append(np.mean([np.linalg.norm(change[joint]) for joint in np.flatnonzero(seen)]))
    np.testing.assert_allclose(difference_error(pred, gt, order, visible), expected, rtol=1e-12)
    for frames in (1, 2, 3):
        short = difference_error(pred[:frames], gt[:frames], order, visible[:frames])
        assert short.shape == (max(frames - order, 0),)


@pytest.mark.parametrize('function', [mpjpe, similarity_align, scale_align])
def test_errors(function, poses, visible):
    pred, gt = poses
    with pytest.raises(ValueError, match=r'prediction \(23, 16, 3\), truth \(23, 17, 3\), visibility \(23, 17\)'):
        function(pred[:, 1:], gt, visible)
    with pytest.raises(ValueError, match=r'visibility \(23, 17, 1\)'):
        function(pred, gt, visible[..., None])
    visible[6] = False
    with pytest.raises(ValueError, match='at least one visible joint in every frame, got none in frame 6'):
        function(pred, gt, visible)
