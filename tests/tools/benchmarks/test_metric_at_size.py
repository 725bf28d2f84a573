import pytest
from benchmarks import metric_at_size


@pytest.mark.parametrize(
    ('make_samples', 'samples'), [(metric_at_size.video_samples, 236), (metric_at_size.frame_samples, 4 * 236)]
)
def test_thirty_millimetres_off(tmp_path, monkeypatch, make_samples, samples):
    found = []
    evaluate = metric_at_size.H36MPoseMetric.evaluate
    monkeypatch.setattr(
        metric_at_size.H36MPoseMetric, 'evaluate', lambda self, n: found.append((n, evaluate(self, n))) or found[-1][1]
    )
    seconds = metric_at_size.prepare_metric(tmp_path, make_samples, share=4 * 236 / 543_344)()
    ((count, errors),) = found
    assert count == samples and seconds > 0
    # 16 of 17 distances between two joints that are 30 mm off in each coordinate, the root's being 0
    assert errors['h36m/MPJPE_mm'] == pytest.approx(16 / 17 * 30 * 2**0.5 * 1.5958, rel=0.02)
