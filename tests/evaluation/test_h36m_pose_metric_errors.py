"""What the metric refuses."""

import numpy as np
import pytest

from depth_refine.evaluation import H36MPoseMetric
from depth_refine.utils.errors import InputError


def test_nothing_to_evaluate(lifted_sample, evaluate, videos):
    with pytest.raises(InputError, match='got 0 data samples'):
        evaluate([])
    samples = [lifted_sample(name, *video) for name, video in videos.items() if name.startswith('S11_Directions.')]
    with pytest.raises(InputError, match=r"skip_list \['S11_Directions'\] drops 1 sequences"):
        evaluate(samples, skip_list=['S11_Directions'])


def test_skip_list_must_be_a_list():
    with pytest.raises(InputError, match="expected a list of sequences, got the string 'S11_Directions'"):
        H36MPoseMetric(skip_list='S11_Directions')


def test_num_joints_is_17_or_14():
    with pytest.raises(InputError, match='num_joints of H36MPoseMetric: expected 17 or 14, got 16'):
        H36MPoseMetric(num_joints=16)


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_predictions_that_are_not_finite(lifted_sample, frame_samples, evaluate, videos, value):
    name, (gt, pred) = list(videos.items())[1]
    lifted, (frame, *_) = lifted_sample(name, gt, pred), frame_samples(name, gt, pred)
    lifted.pred_instances.keypoints[2, 5, 1] = value
    frame.pred_instances.keypoints[0, 5, 1] = value
    with pytest.raises(InputError, match=rf'^{name}: expected finite predictions, .* in 1 of 5 frames'):
        evaluate([lifted])
    with pytest.raises(InputError, match=rf'^{name}: expected finite predictions, .* in 1 of 1 frames'):
        evaluate([frame])


def test_misshapen_samples(lifted_sample, frame_samples, img_path, evaluate, videos):
    (name, (gt, pred)), *_ = videos.items()
    with pytest.raises(InputError, match=rf'^{name}: expected poses of shape \(T, 17, 3\), got \(7, 16, 3\)'):
        evaluate([lifted_sample(name, gt, pred[:, 1:])])
    with pytest.raises(InputError, match=rf'^{name}: .*got 6 predicted, 7 true and 7 visibility frames'):
        evaluate([lifted_sample(name, gt, pred[:6])])
    sample = lifted_sample(name, gt, pred)
    sample.set_metainfo(dict(target_img_path=[img_path(name, 1)]))
    with pytest.raises(InputError, match=rf'^{name}: .*got 1 paths and 7 frames'):
        evaluate([sample])
    (frame, *_) = frame_samples(name, gt, pred)
    del frame.gt_instances.keypoints_cam
    with pytest.raises(InputError, match=rf"^{name}: .*'keypoints_cam' in gt_instances"):
        evaluate([frame])


@pytest.mark.parametrize('key', ['frame', 'sequence'])
def test_single_frame_without_its_number_or_name(frame_samples, videos, key):
    (name, video), *_ = videos.items()
    sample = next(frame_samples(name, *video)).to_dict()
    del sample[key]
    if key == 'sequence':
        del sample['img_path']
    with pytest.raises(InputError, match=r"expected both 'sequence' and 'frame' in the metainfo, or 'img_path' alone"):
        H36MPoseMetric().process({}, [sample])


def test_pixels_that_no_lens_can_make(frame_samples, evaluate, videos):
    (name, video), *_ = videos.items()
    sample, *_ = frame_samples(name, *video)
    # with k1 = -0.5 alone the image ends at r (1 - r²/2) for r² = 2/3: 0.54 focal lengths from its centre
    sample.set_metainfo(dict(camera_param=dict(sample.camera_param, k=np.array([[-0.5], [0.0], [0.0]]))))
    sample.pred_instances.keypoints[0, 4, :2] = [512.5 + 0.6 * 1145, 365.4]
    with pytest.raises(InputError, match=f'^{name}: predicted pixels lie so far outside the image that its lens'):
        evaluate([sample])


def test_no_visible_joint_among_the_14(lifted_sample, evaluate, videos):
    (name, (gt, pred)), *_ = videos.items()
    visible = np.ones(gt.shape[:2])
    visible[2, 1:] = 0
    assert np.isfinite(evaluate([lifted_sample(name, gt, pred, visible)])['h36m/MPJPE_mm'])
    with pytest.raises(InputError, match=f'^{name}: expected at least one visible joint in every frame, .* frame 2'):
        evaluate([lifted_sample(name, gt, pred, visible)], num_joints=14)


def test_hidden_root(lifted_sample, evaluate, videos):
    (name, (gt, pred)), *_ = videos.items()
    visible = np.ones(gt.shape[:2])
    visible[2, 0] = 0
    with pytest.raises(InputError, match=f'^{name}: errors are relative to the root, but'):
        evaluate([lifted_sample(name, gt, pred, visible)])


def test_frame_predicted_twice(lifted_sample, evaluate, videos):
    (name, (gt, pred)), *_ = videos.items()
    with pytest.raises(InputError, match=f'^{name}: expected every frame once, got frame 1 more than once'):
        evaluate([lifted_sample(name, gt, pred)] * 2)


def test_image_name_without_sequence(lifted_sample, evaluate, videos):
    _, (gt, pred) = next(iter(videos.items()))
    sample = lifted_sample('S9_Directions_1.54138969', gt[:1], pred[:1])
    sample.set_metainfo(dict(target_img_path=['images/000012.jpg']))
    with pytest.raises(InputError, match=r"the image name 'images/000012.jpg' is not of the form S1_Directions_1"):
        evaluate([sample])
