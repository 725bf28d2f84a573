from pathlib import Path

import numpy as np
import pytest
from reproduction.cell import Settings
from reproduction.experiment import Experiment

from depth_refine.datasets import H36MAnnotation, write_sequence_store

CONFIGS = Path(__file__).parents[3] / 'configs'
ORIGIN = dict(config='c.py', checkpoint=dict(file='c.pth', sha256='0123456789abcdef0'), flip_test=False)


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
