import pytest
from benchmarks import data_sets, first_stage, memory, metric, refiner, turns
from benchmarks.setup import Setup

# the interface of VideoPose3D that the benchmark uses, with another implementation
MODEL = """
from torch import nn


class TemporalModel(nn.Module):
    def __init__(self, joints_in, features, joints_out, filter_widths, causal=False, dropout=0.25, channels=1024):
        super().__init__()
        assert (joints_in, features, joints_out, filter_widths, dropout) == (17, 3, 17, [3, 3, 3, 3, 3], 0.25)
        self.layers = nn.Sequential(nn.Linear(51, channels), nn.ReLU(), nn.Linear(channels, 51))

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
        assert [video.shape for video in poses_3d] == [video.shape for video in poses_2d] == [(260, 17, 3)] * 2
        assert (kps_left, kps_right) == (joints_left, joints_right) == ([4, 5, 6, 14, 15, 16], [1, 2, 3, 11, 12, 13])
        self.batch_size, self.videos = batch_size, poses_2d

    def next_epoch(self):
        while True:
            windows = np.zeros((self.batch_size, 243, 17, 3)) + self.videos[0][0]
            yield None, windows[:, :1], windows
"""


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Everything small, and a run is a turn."""
    sizes = {
        turns: dict(_ROUND=0),
        refiner: dict(CHANNELS=8, PRODUCT_ROWS=64, FRAMES=20, HOUR=300, WINDOWS=dict(cpu=8), _STREAM_FRAMES=3),
        first_stage: dict(IMAGES=dict(cpu=2), SIDE=64, DEPTH=18),
        data_sets: dict(_BATCHES=1, BATCH=16, VIDEOS=2, VIDEO=260, MMPOSE_FRAMES=260, ANNOTATION_FRAMES=600),
        metric: dict(FRAMES=300),
    }
    for module, constants in sizes.items():
        for name, value in constants.items():
            monkeypatch.setattr(module, name, value)


@pytest.fixture
def in_this_process(monkeypatch):
    """Measure in this process what otherwise has a process of its own."""

    def measure_alone(prepare, *args, device='cpu'):
        prepare(*args)()
        return memory.Usage(seconds=2, growth=3_000_000, peak=1_600_000_000)

    for module in (refiner, first_stage, data_sets):
        monkeypatch.setattr(module, 'measure_alone', measure_alone)


@pytest.fixture
def setup(tmp_path):
    """Two rounds on a machine of easy numbers, without VideoPose3D."""
    return Setup(tmp_path, 2, 'cpu', amx=False, matrix=dict(fp32=1e9, bf16=4e9))


@pytest.fixture
def videopose3d(tmp_path):
    (tmp_path / 'videopose3d/common').mkdir(parents=True)
    (tmp_path / 'videopose3d/common/model.py').write_text(MODEL)
    (tmp_path / 'videopose3d/common/generators.py').write_text(GENERATORS)
    return tmp_path / 'videopose3d'
