import numpy as np
import pytest
from mmengine.evaluator import Evaluator
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


@pytest.fixture
def img_path():
    return _img_path


@pytest.fixture
def lifted_sample():
    return _lifted_sample


@pytest.fixture
def frame_samples():
    return _frame_samples


@pytest.fixture
def evaluate():
    """Evaluate samples, by default of no skipped sequence, in small batches."""
    return _evaluate
