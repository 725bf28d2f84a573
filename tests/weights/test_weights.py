import numpy as np
import pytest

from depth_refine.inference.stages import SecondStage
from depth_refine.structures.camera import make_camera
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError
from depth_refine.weights import shipped_refiner


@pytest.mark.parametrize('reads', ['2d', '2d+depth'])
def test_shipped_refiners_are_small_and_name_their_training(reads):
    config, checkpoint = shipped_refiner(reads)
    assert checkpoint.stat().st_size < 3_000_000
    stage = SecondStage(config, checkpoint, 'cpu')
    assert (stage.rate, stage.skeleton, stage.notes, stage.is_causal) == (50, H36M, [], False)
    assert (stage.depth_range is None) == (reads == '2d')
    rng = np.random.default_rng(0)
    measurements = rng.uniform([300, 200, -0.3, 0, 0], [600, 900, 0.3, 1, 0.1], (40, 17, 5)).astype(np.float32)
    poses = stage(measurements, make_camera((1000, 1000))[0])
    assert poses.shape == (40, 17, 3) and np.abs(poses[:, 0]).max() < 1e-6 and 0.1 < np.abs(poses).max() < 2


def test_other_inputs_are_refused():
    with pytest.raises(InputError, match="no shipped refiner reads '3d'"):
        shipped_refiner('3d')
