from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmpose.registry import DATASETS

from depth_refine.datasets import H36MImageDataset
from depth_refine.inference.extraction import extract_depth_sequences
from depth_refine.utils.errors import InputError


@pytest.fixture
def first_stage(stages, data_root):
    """A first stage on the small data, loaded without workers, and its checkpoint."""
    cfg = Config.fromfile(stages[0])
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = str(data_root)
    return cfg, Path(stages[1])


def test_two_data_sets_with_the_same_name(first_stage, tmp_path):
    cfg, checkpoint = first_stage
    data_sets = [cfg.train_dataloader.dataset, dict(cfg.train_dataloader.dataset, data_root='b')]
    cfg.train_dataloader.dataset = dict(type='CombinedDataset', datasets=data_sets)
    with pytest.raises(InputError, match=r"have one name, \['h36m_test', 'h36m_train', 'h36m_train'\]"):
        extract_depth_sequences(cfg, checkpoint, tmp_path)


def test_files_of_each_data_set_and_subclasses_of_ours(first_stage, data_root, tmp_path, monkeypatch):
    class OwnImageDataset(H36MImageDataset):
        """A user's subclass."""

    monkeypatch.setitem(DATASETS.module_dict, 'OwnImageDataset', OwnImageDataset)
    cfg, checkpoint = first_stage
    plain = extract_depth_sequences(cfg, checkpoint, tmp_path / 'plain')
    (tmp_path / 'moved').symlink_to(data_root / 'images')
    del cfg.train_dataloader.dataset['bbox_policy']  # the default is the same policy
    cfg.train_dataloader.dataset.data_prefix = dict(img=str(tmp_path / 'moved'))
    cfg.test_dataloader.dataset.camera_param_file = str(data_root / 'annotation_body3d/cameras.pkl')
    cfg.train_dataloader.dataset.type = cfg.test_dataloader.dataset.type = 'OwnImageDataset'
    moved = extract_depth_sequences(cfg, checkpoint, tmp_path / 'again')
    for paths in zip(moved, plain, ('h36m_train', 'h36m_test'), strict=True):
        assert paths[0].name == paths[1].name == paths[2]
        np.testing.assert_array_equal(*(np.load(path / 'keypoints.npy') for path in paths[:2]))
    cfg.train_dataloader.dataset.type = cfg.test_dataloader.dataset.type = 'H36MDepthSequenceDataset'
    with pytest.raises(InputError, match='trains and tests on no DepthImageDataset: give a first-stage config'):
        extract_depth_sequences(cfg, checkpoint, tmp_path / 'unknown')
