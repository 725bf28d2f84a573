import numpy as np
import pytest
from mmpose.registry import DATASETS

from depth_refine.datasets import H36MAnnotation, write_sequence_store


@pytest.fixture(scope='session')
def annotations(data_root):
    """Annotations of the training and the test split, 96 frames in 8 videos each."""
    folder = data_root / 'annotation_body3d'
    return [H36MAnnotation(folder / f'fps50/h36m_{split}.npz', folder / 'cameras.pkl') for split in ('train', 'test')]


@pytest.fixture(scope='session')
def make_store():
    """A function that writes a store of an annotation, by default of random numbers."""

    def make(path, annotation, keypoints=None, depth_std=None, bbox_policy='annotation', **kwargs):
        rng, shape = np.random.default_rng(0), (len(annotation), 17)
        keypoints = rng.uniform(-2.9, 2.9, (*shape, 3)).astype(np.float32) if keypoints is None else keypoints
        arrays = [np.arange(len(annotation)), keypoints, rng.random(shape)]
        arrays += [] if depth_std is None else [depth_std]
        kwargs.update(has_depth_std=depth_std is not None)
        with write_sequence_store(path, annotation, bbox_policy, dict(config='c.py'), **kwargs) as writer:
            writer.write(*arrays)
        return path

    return make


@pytest.fixture(scope='session')
def store(annotations, make_store, tmp_path_factory):
    """A store with standard deviations of depths."""
    std = np.random.default_rng(1).random((96, 17)) + 0.1
    return make_store(tmp_path_factory.mktemp('stores') / 'train', annotations[0], depth_std=std)


@pytest.fixture
def windows(data_root, store):
    """A function that builds a training set of windows of 5 frames, with the store's depths."""

    def build(*pipeline, **changes):
        cfg = dict(type='H36MDepthSequenceDataset', ann_file='annotation_body3d/fps50/h36m_train.npz', seq_len=5)
        cfg.update(data_root=str(data_root), input_source='2d+depth', depth_store=store, pipeline=list(pipeline))
        return DATASETS.build(dict(cfg, **changes))

    return build
