"""The metric against loops over sequences, actions, frames and joints."""

import pickle
from collections import defaultdict

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData
from mmpose.registry import METRICS
from mmpose.structures import PoseDataSample
from scipy.spatial import procrustes

from depth_refine.errors import InputError
from depth_refine.evaluation import H36MPoseMetric
from depth_refine.functional.camera import project
from depth_refine.functional.skeleton import JOINT_NAMES

LENGTHS = {
    'S9_Directions_1.54138969': 7,
    'S9_Directions.55011271': 5,
    'S11_Directions.54138969': 4,
    'S11_Directions_1.54138969': 3,
    'S9_SittingDown.60457274': 9,
}
CAMERA = dict(
    R=np.eye(3),
    T=np.zeros((3, 1)),
    f=np.array([[1145.0], [1093.0]]),
    c=np.array([[512.5], [365.4]]),
    k=np.array([[-0.21], [0.25], [-0.003]]),
    p=np.array([[-0.0009], [-0.0016]]),
    w=1000,
    h=762,
)


@pytest.fixture
def videos():
    """Truth and prediction (T, 17, 3), absolute camera metres, of each sequence; actions differ in difficulty."""
    rng = np.random.default_rng(0)
    result = {}
    for number, (name, frames) in enumerate(LENGTHS.items()):
        gt = rng.normal(0, 0.4, (frames, 17, 3)) + [0.3, -0.1, 4.5]
        result[name] = (gt, gt + rng.normal(0, 0.02 * (number + 1), gt.shape))
    return result


def _img_path(sequence, frame):
    return f'data/h36m/images/{sequence.split("_")[0]}/{sequence}/{sequence}_{frame:06d}.jpg'


def _sample(pred_keypoints, gt, **metainfo):
    sample = PoseDataSample(metainfo=metainfo)
    sample.pred_instances = InstanceData(keypoints=pred_keypoints)
    sample.gt_instances = InstanceData()
    for key, value in gt.items():
        sample.gt_instances.set_field(value, key)
    return sample


def _lifted_sample(sequence, gt, pred, visible=None, as_type=np.asarray, **metainfo):
    """A whole video; the prediction is root-relative as our refiner's, the truth absolute."""
    visible = np.ones(gt.shape[:2]) if visible is None else visible
    paths = [_img_path(sequence, frame + 1) for frame in range(len(gt))]
    return _sample(
        as_type(pred - pred[:, :1]),
        dict(lifting_target=as_type(gt), lifting_target_visible=as_type(visible)),
        target_img_path=paths,
        **metainfo,
    )


def _frame_samples(sequence, gt, pred):
    """One sample per frame: pixels and depth relative to the root, with the metainfo of our image dataset."""
    depth = pred[..., 2:] - gt[:, :1, 2:]
    keypoints = np.concatenate([project(pred, CAMERA), depth], axis=-1)
    for t in range(len(gt)):
        yield _sample(
            keypoints[t : t + 1],
            dict(
                keypoints_cam=gt[t : t + 1],
                keypoints_visible=np.ones((1, 17)),
                keypoints=project(gt[t : t + 1], CAMERA),
            ),
            img_path=_img_path(sequence, t + 1),
            sequence=sequence,
            subject=sequence.split('_')[0],
            action=sequence.split('_')[1].split('.')[0],
            camera_param=CAMERA,
            frame=t + 1,
        )


def _evaluate(samples, batch_size=4, skip_list=(), **kwargs):
    evaluator = Evaluator(H36MPoseMetric(skip_list, **kwargs))
    for start in range(0, len(samples), batch_size):
        evaluator.process(samples[start : start + batch_size])
    return evaluator.evaluate(len(samples))


def _reference(videos, joints=range(17)):
    """All ten numbers by loops, in mm, for visible joints throughout."""
    errors = defaultdict(lambda: defaultdict(list))
    for name, (gt, pred) in videos.items():
        action = name.split('.')[0].split('_')[1]
        gt, pred = ((x - x[:, :1])[:, joints] for x in (gt, pred))
        for g, p in zip(gt, pred, strict=True):
            errors['MPJPE', 'mm'][action].append(np.mean([np.linalg.norm(a - b) for a, b in zip(g, p, strict=True)]))
            scale = np.sum(g * p) / np.sum(p * p)
            errors['N-MPJPE', 'mm'][action].append(np.mean(np.sqrt(((scale * p - g) ** 2).sum(-1))))
            true, aligned, _ = procrustes(g, p)  # both in units of the truth's norm
            distance = np.sqrt(((true - aligned) ** 2).sum(-1)).mean() * np.linalg.norm(g - g.mean(0))
            errors['P-MPJPE', 'mm'][action].append(distance)
        error = pred - gt
        for t in range(1, len(gt)):
            motion = error[t] - error[t - 1]
            errors['MPJVE', 'mm_per_frame'][action].append(np.sqrt((motion**2).sum(-1)).mean())
        for t in range(2, len(gt)):
            motion = error[t] - 2 * error[t - 1] + error[t - 2]
            errors['MPJAE', 'mm_per_frame2'][action].append(np.sqrt((motion**2).sum(-1)).mean())
    result = {}
    for (name, unit), by_action in errors.items():
        result[f'h36m/{name}_{unit}'] = 1000 * np.mean([np.mean(values) for values in by_action.values()])
        result[f'h36m/{name}_frames_{unit}'] = 1000 * np.mean(np.concatenate(list(by_action.values())))
    return result


def _without(videos, take):
    return {name: video for name, video in videos.items() if name.split('.')[0] != take}


@pytest.mark.parametrize('as_type', [np.asarray, torch.as_tensor])
def test_lifted_videos_against_loop(videos, as_type):
    samples = [_lifted_sample(name, *video, as_type=as_type) for name, video in videos.items()]
    metrics = _evaluate(samples)
    assert list(metrics)[:5] == [
        'h36m/MPJPE_mm',
        'h36m/P-MPJPE_mm',
        'h36m/N-MPJPE_mm',
        'h36m/MPJVE_mm_per_frame',
        'h36m/MPJAE_mm_per_frame2',
    ]
    assert metrics == pytest.approx(_reference(videos), rel=1e-5)
    assert metrics['h36m/MPJPE_mm'] != pytest.approx(metrics['h36m/MPJPE_frames_mm'], rel=0.01)


def test_single_frames_in_any_order_against_loop(videos):
    """Shuffled frames of all sequences; the true root depth makes the back-projection exact."""
    samples = [sample for name, video in videos.items() for sample in _frame_samples(name, *video)]
    shuffled = [samples[i] for i in np.random.default_rng(1).permutation(len(samples))]
    assert _evaluate(shuffled) == pytest.approx(_reference(videos), rel=1e-5)


def test_single_frames_use_the_true_root_depth(videos):
    """A root depth error of the prediction is not forgiven: only what it predicts relative to the root counts."""
    (name, (gt, _)), *_ = videos.items()
    pred = gt + [0, 0, 0.1]
    (sample, *_) = _frame_samples(name, gt, pred)
    sample.pred_instances.keypoints[..., 2] -= 0.1
    (keypoints,) = sample.pred_instances.keypoints
    expected = np.abs(keypoints[:, 2] - (gt[0, :, 2] - gt[0, 0, 2])).max()
    assert expected < 1e-9, 'depths are those of the truth, pixels those of a pose 0.1 m further away'
    metrics = _evaluate([sample])
    factor = gt[0, :, 2:] / pred[0, :, 2:]
    pose = np.concatenate([gt[0, :, :2] * factor, gt[0, :, 2:]], axis=-1)
    distance = np.linalg.norm((pose - pose[0]) - (gt[0] - gt[0, 0]), axis=-1).mean()
    assert metrics['h36m/MPJPE_mm'] == pytest.approx(1000 * distance, rel=1e-5)


def test_skip_list_drops_one_take_of_one_subject(videos):
    samples = [_lifted_sample(name, *video) for name, video in videos.items()]
    expected = _reference(_without(videos, 'S11_Directions'))
    assert _evaluate(samples, skip_list=['S11_Directions']) == pytest.approx(expected, rel=1e-5)
    assert expected['h36m/MPJPE_mm'] != pytest.approx(_reference(videos)['h36m/MPJPE_mm'], rel=0.01)


def test_published_protocol_by_default(videos):
    samples = [_lifted_sample(name, *video).to_dict() for name, video in videos.items()]
    metric = H36MPoseMetric()
    metric.process({}, samples)
    metrics = {f'h36m/{name}': value for name, value in metric.compute_metrics(metric.results).items()}
    assert metrics == pytest.approx(_reference(_without(videos, 'S11_Directions')), rel=1e-5)


def test_14_joints_against_loop(videos):
    """The twelve of arms and legs, thorax and head, relative to a root that does not count itself."""
    samples = [_lifted_sample(name, *video) for name, video in videos.items()]
    without = [JOINT_NAMES.index(name) for name in ('root', 'spine', 'neck_base')]
    expected = _reference(videos, np.delete(np.arange(17), without))
    assert _evaluate(samples, num_joints=14) == pytest.approx(expected, rel=1e-5)
    for name, value in _reference(videos).items():
        assert expected[name] != pytest.approx(value, rel=1e-3)


def test_mmpose_lifter_samples(videos):
    """One frame a sample, any root position, no metainfo but the image's path."""
    samples = []
    for name, (gt, pred) in videos.items():
        for t in range(len(gt)):
            truth = dict(lifting_target=gt[t : t + 1], lifting_target_visible=np.ones((1, 17, 1)))
            samples.append(_sample(pred[t : t + 1] + 3.0, truth, target_img_path=[_img_path(name, t + 1)]))
    assert _evaluate(samples) == pytest.approx(_reference(videos), rel=1e-5)


def test_collected_from_two_ranks(videos):
    """Ranks take turns over the samples, the last one is padded with the first sample; skipping must not shift that."""
    samples = [_lifted_sample(name, *video).to_dict() for name, video in videos.items()]
    ranks = [H36MPoseMetric(skip_list=['S11_Directions']) for _ in range(2)]
    for metric, part in zip(ranks, (samples[::2], samples[1::2] + samples[:1]), strict=True):
        metric.process({}, part)
    collected = [result for pair in zip(*(metric.results for metric in ranks), strict=True) for result in pair]
    metrics = ranks[0].compute_metrics(pickle.loads(pickle.dumps(collected[: len(samples)])))
    expected = _reference(_without(videos, 'S11_Directions'))
    assert {f'h36m/{name}': value for name, value in metrics.items()} == pytest.approx(expected, rel=1e-5)


def test_hidden_joints_do_not_count(videos):
    (name, (gt, pred)), *_ = videos.items()
    visible = np.ones(gt.shape[:2])
    visible[:, 3] = 0
    spoilt = pred.copy()
    spoilt[:, 3] += 50
    clean, dirty = (_evaluate([_lifted_sample(name, gt, p, visible)]) for p in (pred, spoilt))
    assert dirty == pytest.approx(clean, rel=1e-9)
    seen = np.delete(np.arange(17), 3)
    error = (pred - pred[:, :1]) - (gt - gt[:, :1])
    assert clean['h36m/MPJPE_mm'] == pytest.approx(1000 * np.linalg.norm(error[:, seen], axis=-1).mean(), rel=1e-5)


def test_short_sequences_have_no_differences(videos):
    (name, (gt, pred)), *_ = videos.items()
    metrics = _evaluate([_lifted_sample(name, gt[:2], pred[:2])])
    assert np.isfinite(metrics['h36m/MPJVE_mm_per_frame'])
    assert np.isnan(metrics['h36m/MPJAE_mm_per_frame2'])


def test_table_in_the_log(videos, monkeypatch):
    lines = []
    monkeypatch.setattr(MMLogger, 'info', lambda self, message: lines.extend(message.splitlines()))
    samples = [sample for name, video in videos.items() for sample in _frame_samples(name, *video)]
    metrics = _evaluate(samples, skip_list=['S11_Directions'], prefix='stage1')
    assert lines[1].split() == ['action', 'frames', 'MPJPE', 'P-MPJPE', 'N-MPJPE', 'MPJVE', 'MPJAE']
    assert lines[2].split() == ['mm', 'mm', 'mm', 'mm/frame', 'mm/frame²']
    table = {line.split('  ')[0]: line.split()[-5:] for line in lines[3:]}
    assert [line.split()[:2] for line in lines[4:6]] == [['Directions', '15'], ['SittingDown', '9']]
    assert table['mean of actions'] == [f'{metrics[key]:.1f}' for key in list(metrics)[:5]]
    assert table['mean of frames'] == [f'{metrics[key]:.1f}' for key in list(metrics)[5:]]
    assert all(key.startswith('stage1/') for key in metrics)


@pytest.fixture
def rules(videos, monkeypatch):
    """The last line of the log after an evaluation of changed samples."""
    lines = []
    monkeypatch.setattr(MMLogger, 'info', lambda self, message: lines.append(message))

    def evaluate(make_samples, change=lambda sample: None, **kwargs):
        samples = [sample for name, video in videos.items() for sample in make_samples(name, *video)]
        for sample in samples:
            change(sample)
        _evaluate(samples, **kwargs)
        return lines[-1]

    return evaluate


def test_rules_of_the_first_stage(rules):
    def change(sample):
        sample.set_metainfo(dict(bbox_policy='pelvis_2m'))
        sample.pred_instances.set_metainfo(dict(flip_test=True))

    assert rules(_frame_samples, change, skip_list=['S11_Directions']) == (
        "Rules: 17 joints, 2 actions, 24 frames, 4 sequences; skipped by skip_list ['S11_Directions']: "
        'S11_Directions.54138969; root at the origin on both sides; differences between consecutive evaluated frames '
        '(frame step 1); absolute root depth: from the ground truth; bounding boxes: pelvis_2m; flip test: on'
    )


def test_rules_of_the_second_stage(rules):
    def every_64th(name, gt, pred):
        sample = _lifted_sample(name, gt, pred)
        sample.set_metainfo(dict(target_img_path=[_img_path(name, 1 + 64 * t) for t in range(len(gt))]))
        sample.pred_instances.set_metainfo(dict(flip_test=False))
        return [sample]

    assert rules(every_64th, num_joints=14) == (
        'Rules: 14 joints, 2 actions, 28 frames, 5 sequences; skipped by skip_list []: none; root at the origin on '
        'both sides; differences between consecutive evaluated frames (frame step 64); absolute root depth: not used; '
        'bounding boxes: not stated; flip test: off'
    )


def test_rules_name_every_condition_of_mixed_samples(rules):
    def change(sample):
        if sample.frame % 2:
            sample.set_metainfo(dict(bbox_policy='annotation'))
            sample.pred_instances.set_metainfo(dict(flip_test=True))

    line = rules(_frame_samples, change, batch_size=1)
    assert line.endswith('bounding boxes: annotation and not stated; flip test: not stated and on')


def test_registered():
    assert METRICS.get('H36MPoseMetric') is H36MPoseMetric


def test_nothing_to_evaluate(videos):
    with pytest.raises(InputError, match='got 0 data samples'):
        _evaluate([])
    samples = [_lifted_sample(name, *video) for name, video in videos.items() if name.startswith('S11_Directions.')]
    with pytest.raises(InputError, match=r"skip_list \['S11_Directions'\] drops 1 sequences"):
        _evaluate(samples, skip_list=['S11_Directions'])


def test_skip_list_must_be_a_list():
    with pytest.raises(InputError, match="expected a list of sequences, got the string 'S11_Directions'"):
        H36MPoseMetric(skip_list='S11_Directions')


def test_num_joints_is_17_or_14():
    with pytest.raises(InputError, match='num_joints of H36MPoseMetric: expected 17 or 14, got 16'):
        H36MPoseMetric(num_joints=16)


def test_results_hold_each_frame_once(videos):
    """A single frame's result is a view into its batch, so that half a million of them stay as small as their data."""
    (name, video), *_ = videos.items()
    metric = H36MPoseMetric()
    metric.process({}, [sample.to_dict() for sample in _frame_samples(name, *video)])
    assert len(metric.results) == LENGTHS[name]
    assert {id(result.joints.base) for result in metric.results} == {id(metric.results[0].joints.base)}
    assert metric.results[0].joints.base.shape == (LENGTHS[name], 17, 7)
    assert metric.results[0].joints.dtype == np.float32


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_predictions_that_are_not_finite(videos, value):
    name, (gt, pred) = list(videos.items())[1]
    lifted, (frame, *_) = _lifted_sample(name, gt, pred), _frame_samples(name, gt, pred)
    lifted.pred_instances.keypoints[2, 5, 1] = value
    frame.pred_instances.keypoints[0, 5, 1] = value
    with pytest.raises(InputError, match=rf'^{name}: expected finite predictions, .* in 1 of 5 frames'):
        _evaluate([lifted])
    with pytest.raises(InputError, match=rf'^{name}: expected finite predictions, .* in 1 of 1 frames'):
        _evaluate([frame])


def test_misshapen_samples(videos):
    (name, (gt, pred)), *_ = videos.items()
    with pytest.raises(InputError, match=rf'^{name}: expected poses of shape \(T, 17, 3\), got \(7, 16, 3\)'):
        _evaluate([_lifted_sample(name, gt, pred[:, 1:])])
    with pytest.raises(InputError, match=rf'^{name}: .*got 6 predicted, 7 true and 7 visibility frames'):
        _evaluate([_lifted_sample(name, gt, pred[:6])])
    sample = _lifted_sample(name, gt, pred)
    sample.set_metainfo(dict(target_img_path=[_img_path(name, 1)]))
    with pytest.raises(InputError, match=rf'^{name}: .*got 1 paths and 7 frames'):
        _evaluate([sample])
    (frame, *_) = _frame_samples(name, gt, pred)
    del frame.gt_instances.keypoints_cam
    with pytest.raises(InputError, match=rf"^{name}: .*'keypoints_cam' in gt_instances"):
        _evaluate([frame])


@pytest.mark.parametrize('key', ['frame', 'sequence'])
def test_single_frame_without_its_number_or_name(videos, key):
    (name, video), *_ = videos.items()
    sample = next(_frame_samples(name, *video)).to_dict()
    del sample[key]
    if key == 'sequence':
        del sample['img_path']
    with pytest.raises(InputError, match=r"expected both 'sequence' and 'frame' in the metainfo, or 'img_path' alone"):
        H36MPoseMetric().process({}, [sample])


def test_pixels_that_no_lens_can_make(videos):
    (name, video), *_ = videos.items()
    sample, *_ = _frame_samples(name, *video)
    # with k1 = -0.5 alone the image ends at r (1 - r²/2) for r² = 2/3: 0.54 focal lengths from its centre
    sample.set_metainfo(dict(camera_param=dict(CAMERA, k=np.array([[-0.5], [0.0], [0.0]]))))
    sample.pred_instances.keypoints[0, 4, :2] = [512.5 + 0.6 * 1145, 365.4]
    with pytest.raises(InputError, match=f'^{name}: predicted pixels lie so far outside the image that its lens'):
        _evaluate([sample])


def test_no_visible_joint_among_the_14(videos):
    (name, (gt, pred)), *_ = videos.items()
    visible = np.ones(gt.shape[:2])
    visible[2, 1:] = 0
    assert np.isfinite(_evaluate([_lifted_sample(name, gt, pred, visible)])['h36m/MPJPE_mm'])
    with pytest.raises(InputError, match=f'^{name}: expected at least one visible joint in every frame, .* frame 2'):
        _evaluate([_lifted_sample(name, gt, pred, visible)], num_joints=14)


def test_hidden_root(videos):
    (name, (gt, pred)), *_ = videos.items()
    visible = np.ones(gt.shape[:2])
    visible[2, 0] = 0
    with pytest.raises(InputError, match=f'^{name}: errors are relative to the root, but'):
        _evaluate([_lifted_sample(name, gt, pred, visible)])


def test_frame_predicted_twice(videos):
    (name, (gt, pred)), *_ = videos.items()
    with pytest.raises(InputError, match=f'^{name}: expected every frame once, got frame 1 more than once'):
        _evaluate([_lifted_sample(name, gt, pred)] * 2)


def test_image_name_without_sequence(videos):
    _, (gt, pred) = next(iter(videos.items()))
    sample = _lifted_sample('S9_Directions_1.54138969', gt[:1], pred[:1])
    sample.set_metainfo(dict(target_img_path=['images/000012.jpg']))
    with pytest.raises(InputError, match=r"the image name 'images/000012.jpg' is not of the form S1_Directions_1"):
        _evaluate([sample])
