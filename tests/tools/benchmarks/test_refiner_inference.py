import numpy as np
import pytest
from benchmarks import refiner_inference

from depth_refine.models import depth_temporal_refiner

SIZES = dict(channels=8, frames=9, windows=2, long=40, check=33)


def test_rows(setup_with_peer, same_process, monkeypatch):
    monkeypatch.setattr(depth_temporal_refiner, '_PIECE', 8)
    *rates, direct, memory, difference = refiner_inference.measure(setup_with_peer, **SIZES)
    assert [(row.work, row.peer.split(',')[0], row.target) for row in rates] == [
        ('whole video, fp32', 'VideoPose3D', 1.1),
        ('whole video, fp32', 'MMPose', 16),
        ('whole video, bf16', 'VideoPose3D', 6),
        ('whole video, bf16', 'MMPose', None),
    ]
    assert all(row.ours.median > 0 and row.ratio.median > 0 for row in rates)
    fp32, _, bf16, _ = rates
    flops = fp32.flop_rate / fp32.ours.median
    assert bf16.flop_rate / bf16.ours.median == pytest.approx(flops)
    assert fp32.share == pytest.approx(fp32.flop_rate / 1e9) and bf16.share == pytest.approx(bf16.flop_rate / 4e9)
    assert (direct.unit, direct.target, direct.at_most) == ('%', 90, False)
    assert direct.ours.median == pytest.approx(100 * fp32.share), 'a narrow network is one of direct convolutions'
    assert memory.unit == 'MB' and memory.ours.median >= 0 and (memory.target, memory.at_most) == (1000, True)
    assert difference.unit == 'mm' and difference.met


def test_difference_is_in_metres(setup, monkeypatch):
    monkeypatch.setattr(depth_temporal_refiner, '_PIECE', 8)
    assert refiner_inference.piecewise_difference(setup, 8, 33) < 1e-6

    class Off(depth_temporal_refiner.DepthTemporalRefiner):
        def forward(self, inputs, data_samples=None, mode='tensor'):
            return super().forward(inputs, data_samples, mode) + 0.25

    build = refiner_inference.build_refiner

    def build_off(*args):
        refiner = build(*args)
        refiner.__class__ = Off
        return refiner

    monkeypatch.setattr(refiner_inference, 'build_refiner', build_off)
    np.testing.assert_allclose(refiner_inference.piecewise_difference(setup, 8, 33), 0.25, atol=1e-5)


def test_without_videopose3d(setup, same_process):
    theirs, mmposes, *_ = refiner_inference.measure(setup, **SIZES)
    assert theirs.ours == mmposes.ours and theirs.ratio is None and 'no `--videopose3d`' in theirs.note
