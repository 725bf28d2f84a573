"""The metric against loops over sequences, actions, frames and joints."""

import pickle

import numpy as np
import pytest
import torch
from reference_errors import reference_errors

from depth_refine.evaluation import H36MPoseMetric
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError


def _without(videos, take):
    return {name: video for name, video in videos.items() if name.split('.')[0] != take}


@pytest.fixture
def samples(lifted_sample, videos):
    return [lifted_sample(name, *video) for name, video in videos.items()]


@pytest.mark.parametrize('as_type', [np.asarray, torch.as_tensor])
def test_lifted_videos_against_loop(lifted_sample, evaluate, videos, as_type):
    metrics = evaluate([lifted_sample(name, *video, as_type=as_type) for name, video in videos.items()])
    first = ['MPJPE_mm', 'P-MPJPE_mm', 'N-MPJPE_mm', 'MPJVE_mm_per_frame', 'MPJAE_mm_per_frame2']
    assert list(metrics)[:5] == [f'h36m/{name}' for name in first]
    assert metrics == pytest.approx(reference_errors(videos), rel=1e-5)
    assert metrics['h36m/MPJPE_mm'] != pytest.approx(metrics['h36m/MPJPE_frames_mm'], rel=0.01)


def test_single_frames_in_any_order_against_loop(frame_samples, evaluate, videos):
    """Shuffled frames of all sequences; the true root depth makes the back-projection exact."""
    samples = [sample for name, video in videos.items() for sample in frame_samples(name, *video)]
    shuffled = [samples[i] for i in np.random.default_rng(1).permutation(len(samples))]
    assert evaluate(shuffled) == pytest.approx(reference_errors(videos), rel=1e-5)


def test_skip_list_drops_one_take_of_one_subject(samples, evaluate, videos):
    """By default the one that published tables leave out."""
    expected = reference_errors(_without(videos, 'S11_Directions'))
    assert evaluate(samples, skip_list=['S11_Directions']) == pytest.approx(expected, rel=1e-5)
    assert H36MPoseMetric().skip_list == {'S11_Directions'}


def test_14_joints_against_loop(samples, evaluate, videos):
    """The twelve of arms and legs, thorax and head, relative to a root that does not count itself."""
    without = [H36M.joint_names.index(name) for name in ('root', 'spine', 'neck_base')]
    expected = reference_errors(videos, np.delete(np.arange(17), without))
    assert evaluate(samples, num_joints=14) == pytest.approx(expected, rel=1e-5)


def test_mmpose_lifter_samples(lifted_sample, img_path, evaluate, videos):
    """One frame a sample, any root position, no metainfo but the image's path."""
    samples = []
    for name, (gt, pred) in videos.items():
        for t in range(len(gt)):
            samples.append(lifted_sample(name, gt[t : t + 1], pred[t : t + 1], visible=np.ones((1, 17, 1))))
            samples[-1].set_metainfo(dict(target_img_path=[img_path(name, t + 1)]))
            samples[-1].pred_instances.keypoints += 3.0
    assert evaluate(samples) == pytest.approx(reference_errors(videos), rel=1e-5)


def test_collected_from_two_ranks(samples, videos):
    """Ranks take turns over the samples, the last one is padded with the first sample; skipping must not shift that."""
    samples = [sample.to_dict() for sample in samples]
    ranks = [H36MPoseMetric(skip_list=['S11_Directions']) for _ in range(2)]
    for metric, part in zip(ranks, (samples[::2], samples[1::2] + samples[:1]), strict=True):
        metric.process({}, part)
    collected = [result for pair in zip(*(metric.results for metric in ranks), strict=True) for result in pair]
    metrics = ranks[0].compute_metrics(pickle.loads(pickle.dumps(collected[: len(samples)])))
    expected = reference_errors(_without(videos, 'S11_Directions'))
    assert {f'h36m/{name}': value for name, value in metrics.items()} == pytest.approx(expected, rel=1e-5)


def test_hidden_joints_do_not_count(lifted_sample, evaluate, videos):
    (name, (gt, pred)), *_ = videos.items()
    visible = np.ones(gt.shape[:2])
    visible[:, 3] = 0
    pred[:, 3] += 50
    expected = reference_errors({name: (gt, pred)}, np.delete(np.arange(17), 3))
    assert evaluate([lifted_sample(name, gt, pred, visible=visible)]) == pytest.approx(expected, rel=1e-5)


def test_short_sequences_have_no_differences(lifted_sample, evaluate, videos):
    (name, (gt, pred)), *_ = videos.items()
    metrics = evaluate([lifted_sample(name, gt[:2], pred[:2])])
    assert np.isfinite(metrics['h36m/MPJVE_mm_per_frame']) and np.isnan(metrics['h36m/MPJAE_mm_per_frame2'])


def test_nothing_to_evaluate_and_frames_predicted_twice(samples, evaluate):
    with pytest.raises(InputError, match='got 0 data samples'):
        evaluate([])
    with pytest.raises(InputError, match=r"skip_list \['S11_Directions'\] drops 1 sequences"):
        evaluate(samples[2:3], skip_list=['S11_Directions'])
    with pytest.raises(InputError, match=r'^S9_Directions_1\.54138969: .* once, got frame 1 more than once'):
        evaluate(samples[:1] * 2)


def test_no_visible_joint_among_the_14(lifted_sample, evaluate, videos):
    (name, (gt, pred)), *_ = videos.items()
    visible = np.ones(gt.shape[:2])
    visible[2, 1:] = 0
    assert np.isfinite(evaluate([lifted_sample(name, gt, pred, visible=visible)])['h36m/MPJPE_mm'])
    with pytest.raises(InputError, match=f'^{name}: expected at least one visible joint in every frame, .* frame 2'):
        evaluate([lifted_sample(name, gt, pred, visible=visible)], num_joints=14)


def test_arguments():
    with pytest.raises(InputError, match="expected a list of sequences, got the string 'S11_Directions'"):
        H36MPoseMetric(skip_list='S11_Directions')
    with pytest.raises(InputError, match='num_joints of H36MPoseMetric: expected 17 or 14, got 16'):
        H36MPoseMetric(num_joints=16)


def test_samples_of_other_data(lifted_sample, evaluate, videos):
    (_, video), *_ = videos.items()
    with pytest.raises(InputError, match=r"^walk: expected a sequence named as Human3\.6M's, .* or 'action' in the"):
        evaluate([lifted_sample('walk', *video, sequence='walk', frames=np.arange(7))])
    with pytest.raises(InputError, match=r"^walk: expected both 'sequence' and 'frames' in the metainfo, got"):
        evaluate([lifted_sample('walk', *video, sequence='walk', action='walk')])
