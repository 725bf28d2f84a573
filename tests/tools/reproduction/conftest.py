from pathlib import Path

import cv2
import numpy as np
import pytest
from reproduction.cell import Settings
from reproduction.experiment import Experiment
from scipy.spatial.transform import Rotation

from depth_refine.datasets import H36MAnnotation, write_sequence_store

CONFIGS = Path(__file__).parents[3] / 'configs'
ORIGIN = dict(config='c.py', checkpoint=dict(file='c.pth', sha256='0123456789abcdef0'), flip_test=False)

# of MediaPipe's landmarks, each of the clip's joints
MADE_OF = [(23, 24), (24,), (26,), (28,), (23,), (25,), (27,), *[()] * 4, (11,), (13,), (15,), (12,), (14,), (16,)]


@pytest.fixture
def settings(tmp_path):
    return lambda **changes: Settings(**(dict(configs=CONFIGS, data_root=Path('data'), out=tmp_path / 'out') | changes))


@pytest.fixture(scope='session')
def make_stores(data_root):
    """A function that writes stores of a first stage which is off by up to 2 px and 0.1 m."""

    def make(folder, **changes):
        for split in ('train', 'test'):
            root = data_root / 'annotation_body3d'
            annotation = H36MAnnotation(root / f'fps50/h36m_{split}.npz', root / 'cameras.pkl')
            rng = np.random.default_rng(0)
            depth = annotation.keypoints_3d[..., 2:] - annotation.keypoints_3d[:, :1, 2:]
            keypoints = np.concatenate([annotation.keypoints, depth], axis=-1)
            keypoints += rng.uniform(-1, 1, keypoints.shape) * [2, 2, 0.1]
            meta = {**ORIGIN, **changes.get(split, {})}
            with write_sequence_store(folder / f'h36m_{split}', annotation, 'annotation', meta) as writer:
                writer.write(np.arange(len(annotation)), keypoints, np.ones((len(annotation), 17)))
        return folder

    return make


@pytest.fixture(scope='session')
def stores(make_stores, tmp_path_factory):
    return make_stores(tmp_path_factory.mktemp('stores'))


@pytest.fixture
def experiment():
    """An experiment with three seeds of 'a', one of 'b', none of 'c'."""

    def result(mpjpe):
        metrics = {'h36m/MPJPE_mm': mpjpe, 'h36m/P-MPJPE_mm': mpjpe / 2, 'h36m/MPJAE_mm_per_frame2': mpjpe / 10}
        return dict(metrics=metrics, by_action=dict(Walking=dict(MPJPE=mpjpe + 1), Eating=dict(MPJPE=mpjpe - 1)))

    return Experiment(
        Settings(Path('configs'), Path('data'), Path('out')),
        3,
        'abc def',
        dict(ORIGIN, bbox_policy='annotation'),
        dict(result(50.0), depth_error_mm=dict(train=20.0, test=30.0)),
        {'a': {i: result(value) for i, value in enumerate((39.0, 40.0, 41.0))}, 'b': {0: result(45.0)}, 'c': {}},
        {'a': {}, 'b': {1: 'InputError: no\ntrace', 2: 'not run'}, 'c': {i: 'lost' for i in range(3)}},
        4,
    )


@pytest.fixture
def write_clip(tmp_path):
    """A function that writes 60 frames of one person before two cameras, whose estimator errs by a factor in depth."""

    def write(factor=1.0, **changes):
        rng = np.random.default_rng(0)
        still = rng.uniform(-0.7, 0.7, (33, 3))
        still[23:25] = [[0.1, 0, 0], [-0.1, 0, 0]]
        time = np.arange(60)[:, None, None] / 60
        truth = np.stack([still + [x, -0.2, 4] + [0.3, 0.1, 0.2] * time for x in (-0.5, 0.4)])
        middle = truth[:, :, 23:25].mean(axis=2, keepdims=True)
        ray = middle / np.linalg.norm(middle, axis=-1, keepdims=True)
        seen = truth + (factor - 1) * ((truth - middle) * ray).sum(-1, keepdims=True) * ray
        lens, distortion = np.array([[900.0, 0, 500], [0, 910, 480], [0, 0, 1]]), np.array([-0.1, 0.05, 1e-3, 2e-3, 0])
        pixels = cv2.projectPoints(truth.reshape(-1, 1, 3), np.zeros(3), np.zeros(3), lens, distortion)[0]
        # axes along the ray, by the smallest rotation from the camera's
        axes = Rotation.from_rotvec(
            np.cross([0, 0, 1], ray)[..., 0, :].reshape(-1, 3)
            * (np.arccos(ray[..., 2:]) / np.linalg.norm(np.cross([0, 0, 1], ray), axis=-1, keepdims=True)).reshape(
                -1, 1
            )
        ).as_matrix()
        world = np.einsum('nji,nkj->nki', axes, (seen - middle).reshape(-1, 33, 3)).reshape(truth.shape)
        joints = [truth[:, :, list(of)].mean(axis=2) if of else np.full((2, 60, 3), 9.0) for of in MADE_OF]
        arrays = dict(K=np.stack([lens] * 2), distortion=np.stack([distortion] * 2), fps=60.0)
        arrays |= dict(image_size=np.array([[1000, 960]] * 2), joints_camera=np.stack(joints, axis=2))
        for model in ('heavy', 'full'):
            arrays |= {f'{model}_world': world, f'{model}_px': pixels.reshape(2, 60, 33, 2)}
        np.savez(
            tmp_path / 'clip.npz', **{key: value for key, value in (arrays | changes).items() if value is not None}
        )
        return tmp_path / 'clip.npz'

    return write
