import numpy as np
import pytest
from benchmarks.made_up_data import write_data_root
from mmengine.config import Config
from mmpose.registry import DATASETS

from depth_refine.functional.camera import project


@pytest.mark.parametrize('frames', [301, 7600])
def test_data_root_of_a_config(setup, tmp_path, frames):
    cfg = Config.fromfile(setup.configs / 'refiner_27.py').train_dataloader.dataset
    write_data_root(tmp_path / 'root', cfg, frames)
    dataset = DATASETS.build(dict(cfg, data_root=str(tmp_path / 'root'), test_mode=True, seq_len=1))
    annotation = dataset.annotation
    assert [len(sequence.rows) for sequence in annotation.sequences] == ([301] if frames == 301 else [2533, 2533, 2534])
    for index, camera in enumerate(annotation.cameras):
        sample = dataset.get_data_info(index)
        joints = sample['lifting_target'].astype(float)
        np.testing.assert_allclose(sample['keypoints'][..., :2], project(joints, camera), atol=0.01)
        np.testing.assert_allclose(sample['keypoints'][..., 2], joints[..., 2] - joints[:, :1, 2], atol=1e-5)
        assert np.ptp(joints[:, 0, :2], axis=0).max() > 0.1, 'somebody walks'
