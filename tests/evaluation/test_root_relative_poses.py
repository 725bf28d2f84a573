import numpy as np
import pytest

from depth_refine.evaluation import H36MPoseMetric
from depth_refine.utils.errors import InputError

NAME = 'S9_Directions.55011271'


@pytest.fixture
def refused(evaluate):
    """Evaluate a sample that is refused with a message that begins with the sequence's name."""

    def refused(sample, message):
        with pytest.raises(InputError, match=f'^{NAME}: {message}'):
            evaluate([sample])

    return refused


@pytest.fixture
def lifted(lifted_sample, videos):
    """The sample of a video of 5 frames with changed prediction (T, 17, 3), or other changes."""

    def lifted(pred=lambda pred: pred, **changes):
        gt, prediction = videos[NAME]
        return lifted_sample(NAME, gt, pred(prediction), **changes)

    return lifted


@pytest.fixture
def frame(frame_samples, videos):
    return next(frame_samples(NAME, *videos[NAME]))


def test_predictions_that_are_not_finite(lifted, frame, refused):
    video = lifted()
    video.pred_instances.keypoints[2, 5, 1] = np.nan
    refused(video, r'expected finite predictions, .* in 1 of 5 frames')
    frame.pred_instances.keypoints[0, 5, 1] = np.inf
    refused(frame, r'expected finite predictions, .* in 1 of 1 frames')


def test_misshapen_samples(lifted, frame, img_path, refused):
    refused(lifted(lambda pred: pred[:, 1:]), r'expected poses of shape \(T, 17, 3\), got \(5, 16, 3\)')
    refused(lifted(lambda pred: pred[:4]), '.*got 4 predicted, 5 true and 5 visibility frames')
    refused(lifted(visible=np.zeros((5, 17))), 'errors are relative to the root, but')
    video = lifted()
    video.set_metainfo(dict(target_img_path=[img_path(NAME, 1)]))
    refused(video, '.*got 1 paths and 5 frames')
    del frame.gt_instances.keypoints_cam
    refused(frame, ".*'keypoints_cam' in gt_instances")


@pytest.mark.parametrize('keys', [['frame'], ['sequence', 'img_path']])
def test_single_frame_without_its_number_or_name(frame, keys):
    sample = {key: value for key, value in frame.to_dict().items() if key not in keys}
    with pytest.raises(InputError, match=r"expected both 'sequence' and 'frame' in the metainfo, or 'img_path' alone"):
        H36MPoseMetric().process({}, [sample])


def test_pixels_that_no_lens_can_make(frame, refused):
    # with k1 = -0.5 alone the image ends at r (1 - r²/2) for r² = 2/3: 0.54 focal lengths from its centre
    frame.set_metainfo(dict(camera_param=dict(frame.camera_param, k=np.array([[-0.5], [0.0], [0.0]]))))
    frame.pred_instances.keypoints[0, 4, :2] = [512.5 + 0.6 * 1145, 365.4]
    refused(frame, 'predicted pixels lie so far outside the image that its lens')


@pytest.mark.parametrize(('missing', 'message'), [('f', 'has no f; add'), ('fc', 'has no c and no f; add')])
def test_camera_without_focal_length(frame, refused, missing, message):
    lens = {key: value for key, value in frame.camera_param.items() if key not in missing}
    frame.set_metainfo(dict(camera_param=lens))
    refused(frame, rf"pixels and depth need the camera's focal length f .*, but its camera_param {message}")


def test_image_name_without_sequence(lifted, evaluate):
    video = lifted()
    video.set_metainfo(dict(target_img_path=['images/000012.jpg'] * 5))
    with pytest.raises(InputError, match=r"the image name 'images/000012.jpg' is not of the form S1_Directions_1"):
        evaluate([video])


def test_a_camera_need_not_say_that_it_does_not_distort(frame, evaluate):
    plain = dict(frame.camera_param, k=np.zeros(3), p=np.zeros(2))
    frame.set_metainfo(dict(camera_param=plain))
    expected = evaluate([frame])['h36m/MPJPE_mm']
    frame.set_metainfo(dict(camera_param={key: plain[key] for key in ('f', 'c', 'w', 'h')}))
    assert evaluate([frame])['h36m/MPJPE_mm'] == pytest.approx(expected, rel=1e-6)
