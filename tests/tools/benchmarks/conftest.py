from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from benchmarks import comparison, processes
from benchmarks.machine import Machine
from benchmarks.setup import Setup

# what the benchmark uses of VideoPose3D, with other insides
MODEL = """
from torch import nn


class TemporalModel(nn.Module):
    def __init__(self, joints_in, features, joints_out, filter_widths, causal=False, dropout=0.25, channels=1024):
        super().__init__()
        assert (joints_in, features, joints_out, filter_widths, dropout) == (17, 3, 17, [3, 3, 3, 3, 3], 0.25)
        self.layers = nn.Sequential(nn.Linear(51, channels), nn.Linear(channels, 51))

    def forward(self, x):
        assert x.shape[2:] == (17, 3)
        middle = x[:, 121 : x.shape[1] - 121].flatten(2)
        return self.layers(middle).unflatten(2, (17, 3))


class TemporalModelOptimized1f(TemporalModel):
    pass
"""
GENERATORS = """
import numpy as np


class ChunkedGenerator:
    def __init__(self, batch_size, cameras, poses_3d, poses_2d, chunk_length, pad, augment, kps_left, kps_right,
                 joints_left, joints_right, endless):
        assert (cameras, chunk_length, pad, augment, endless) == (None, 1, 121, True, True)
        assert [len(video) for video in poses_3d] == [len(video) for video in poses_2d]
        assert (kps_left, kps_right) == (joints_left, joints_right) == ([4, 5, 6, 14, 15, 16], [1, 2, 3, 11, 12, 13])
        self.batch = np.zeros((batch_size, 243, *poses_2d[0].shape[1:]))

    def next_epoch(self):
        while True:
            yield None, None, self.batch
"""
CONFIGS = Path(__file__).parents[3] / 'configs'


@pytest.fixture(autouse=True)
def quick_rounds(monkeypatch):
    """A run is a round."""
    monkeypatch.setattr(comparison, '_ROUND', 0)


@pytest.fixture
def machine():
    """Ceilings that make shares easy to calculate."""
    return Machine('cpu', 'Abacus', 2, 1, '2.0', dict(fp32=1e9, bf16=4e9), 1e10)


@pytest.fixture
def setup(machine, tmp_path):
    """Two rounds of everything, without VideoPose3D."""
    return Setup(CONFIGS, tmp_path, machine, rounds=2, seconds=60)


@pytest.fixture
def setup_with_peer(machine, tmp_path):
    """The same with a stand-in for VideoPose3D."""
    common = tmp_path / 'videopose3d' / 'common'
    common.mkdir(parents=True)
    (common / 'model.py').write_text(MODEL)
    (common / 'generators.py').write_text(GENERATORS)
    return Setup(CONFIGS, tmp_path, machine, rounds=2, seconds=60, videopose3d=tmp_path / 'videopose3d')


@pytest.fixture
def same_process(monkeypatch):
    """Measure in this process what otherwise has one of its own."""
    monkeypatch.setattr(processes, 'ProcessPoolExecutor', lambda *_: ThreadPoolExecutor(1))
