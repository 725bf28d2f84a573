import torch
from benchmarks import streaming


def test_rows_and_threads(setup):
    threads = torch.get_num_threads()
    rows = list(streaming.measure(setup, channels=8, frames=3, windows=2))
    assert [row.work.rsplit(' ')[-1] for row in rows] == ['fp32', 'fp32', 'bf16', 'bf16']
    for absolute, relative in (rows[:2], rows[2:]):
        assert (absolute.target, absolute.ratio, absolute.unit) == (300, None, 'frames/s')
        assert relative.target == 10 and relative.ours == absolute.ours and relative.ratio.median > 0
    assert torch.get_num_threads() == threads


def test_a_stream_goes_on(setup, monkeypatch):
    seen = []
    monkeypatch.setattr(streaming, 'StreamingRefiner', lambda *args: seen.append)
    work = streaming.stream(None, 4)
    work()
    work()
    assert len(seen) == 8 and all(frame.shape == (17, 3) for frame in seen)
