from types import SimpleNamespace

import torch
from benchmarks import soft_argmax

from depth_refine.functional.soft_argmax import soft_argmax_3d


def test_rows(setup, monkeypatch):
    grown = {soft_argmax_3d: 3_000_000, soft_argmax.plain_soft_argmax_3d: 12_000_000}
    monkeypatch.setattr(torch, 'compile', lambda decode: decode)
    monkeypatch.setattr(
        soft_argmax, 'measure_alone', lambda prepare, decode, *_, device: SimpleNamespace(growth=grown[decode])
    )
    time, compiled, memory = soft_argmax.measure(setup, shape=(1, 2, 20, 50, 100))
    assert (time.unit, memory.unit) == ('ms', 'MB')
    assert all(row.target == 0.6 and row.at_most and row.peer == 'plain PyTorch' for row in (time, memory))
    assert time.ours.median > 0 and time.ratio.median > 0
    assert time.note == 'one read and one write of the heatmap take 0.16 ms here'  # 2 x 0.8 MB at 10 GB/s
    assert compiled.peer == 'plain PyTorch, compiled' and compiled.target is None and compiled.ours == time.ours
    assert (memory.ours.median, memory.theirs.median, memory.ratio.median) == (3, 12, 0.25) and memory.met
    assert memory.note == 'the heatmap has 0.8 MB'


def test_both_compute_the_same():
    logits = torch.randn(2, 3, 4, 5, 6, dtype=torch.float64)
    grads = []
    for decode in (soft_argmax_3d, soft_argmax.plain_soft_argmax_3d):
        leaf = logits.clone().requires_grad_()
        coords = decode(leaf)
        (coords**2).sum().backward()
        grads.append((coords.detach(), leaf.grad))
    torch.testing.assert_close(grads[0], grads[1])
