from benchmarks import metric


def test_row(setup):
    (row,) = metric.measure(setup, frames=200, their_frames=20)
    assert row.target == 20 and row.ratio.median > 0 and row.unit == 'frames/s'
