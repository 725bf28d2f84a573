import numpy as np
import pytest
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from depth_refine.evaluation import H36MPoseMetric
from depth_refine.functional.camera import project

LENGTHS = {
    'S9_Directions_1.54138969': 7,
    'S9_Directions.55011271': 5,
    'S11_Directions.54138969': 4,
    'S11_Directions_1.54138969': 3,
    'S9_SittingDown.60457274': 9,
}
LENS = dict(f=[1145.0, 1093.0], c=[512.5, 365.4], k=[-0.21, 0.25, -0.003], p=[-0.0009, -0.0016])
CAMERA = dict(R=np.eye(3), T=np.zeros((3, 1)), w=1000, h=762) | {key: np.c_[value] for key, value in LENS.items()}


@pytest.fixture
def videos():
    """Truth and prediction (T, 17, 3), absolute camera metres, of each sequence; actions differ in difficulty."""
    rng = np.random.default_rng(0)
    result = {}
    for number, (name, frames) in enumerate(LENGTHS.items()):
        gt = rng.normal(0, 0.4, (frames, 17, 3)) + [0.3, -0.1, 4.5]
        result[name] = (gt, gt + rng.normal(0, 0.02 * (number + 1), gt.shape))
    return result


@pytest.fixture
def img_path():
    return lambda sequence, frame: f'data/images/{sequence.split("_")[0]}/{sequence}/{sequence}_{frame:06d}.jpg'


def make_sample(prediction, truth, **metainfo):
    instances = dict(pred_instances=InstanceData(keypoints=prediction), gt_instances=InstanceData(**truth))
    return PoseDataSample(metainfo=metainfo, **instances)


@pytest.fixture
def lifted_sample(img_path):
    """A whole video; the prediction is root-relative as our refiner's, the truth absolute.

    ``metainfo`` takes the place of Human3.6M's image names.
    """

    def make(sequence, gt, pred, /, visible=None, as_type=np.asarray, root=0, **metainfo):
        visible = np.ones(gt.shape[:2]) if visible is None else visible
        truth = dict(lifting_target=as_type(gt), lifting_target_visible=as_type(visible))
        metainfo = metainfo or dict(target_img_path=[img_path(sequence, frame + 1) for frame in range(len(gt))])
        return make_sample(as_type(pred - pred[:, [root]]), truth, **metainfo)

    return make


@pytest.fixture
def frame_samples(img_path):
    """One sample per frame: pixels and depth relative to the root, with the metainfo of our image dataset.

    ``metainfo`` takes the place of what Human3.6M's names tell.
    """

    def make(sequence, gt, pred, /, root=0, **metainfo):
        subject, action = sequence.split('.')[0].split('_')[:2] if not metainfo else ('', '')
        metainfo = dict(sequence=sequence, camera_param=CAMERA) | (metainfo or dict(subject=subject, action=action))
        keypoints = np.concatenate([project(pred, CAMERA), pred[..., 2:] - gt[:, [root], 2:]], axis=-1)
        for t in range(len(gt)):
            truth = dict(keypoints_cam=gt[[t]], keypoints_visible=np.ones((1, gt.shape[1])))
            yield make_sample(keypoints[[t]], truth, img_path=img_path(sequence, t + 1), frame=t + 1, **metainfo)

    return make


@pytest.fixture
def evaluate():
    """Evaluate samples, by default of no skipped sequence, in small batches."""

    def evaluate(samples, batch_size=4, skip_list=(), metric=H36MPoseMetric, dataset_meta=None, **kwargs):
        evaluator = Evaluator(metric if isinstance(metric, BaseMetric) else metric(skip_list, **kwargs))
        evaluator.dataset_meta = dataset_meta
        for start in range(0, len(samples), batch_size):
            evaluator.process(samples[start : start + batch_size])
        return evaluator.evaluate(len(samples))

    return evaluate


@pytest.fixture
def messages(monkeypatch):
    """What is logged."""
    messages = []
    monkeypatch.setattr(MMLogger, 'info', lambda self, message: messages.append(message))
    return messages
