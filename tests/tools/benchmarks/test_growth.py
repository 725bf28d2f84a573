import dataclasses
import shutil
from types import SimpleNamespace

import pytest
from benchmarks import growth


def test_rows(setup, same_process, monkeypatch):
    monkeypatch.setattr(growth, '_STEPS', 2)
    monkeypatch.setattr(growth, '_BATCH', 16)
    monkeypatch.setattr(growth, '_MOST_IMAGES', 6)
    rows = list(growth.measure(dataclasses.replace(setup, frames=3000), demo=60, channels=8))
    *measured, last = rows
    assert last.work == '100 x, 6,000 frames' and last.note == 'left out: `--frames 3000`' and last.ours is None
    (without_images,) = [row for row in measured if row.ours is None]
    assert without_images.work == '10 x, 60 images: extract depth sequences'
    measured.remove(without_images)
    assert len(measured) == (5 + 4) * 2
    times = ('µs a frame', 'µs a frame', 'ms a step', 'µs a frame', 'µs a frame')
    assert [row.unit for row in measured[:10]] == [unit for time in times for unit in (time, 'bytes a frame')]
    assert all(row.ours.median >= 0 for row in measured)
    assert (
        measured[8].work == '1 x, 6 images: extract depth sequences'
        and measured[10].work == '10 x, 600 frames: write annotation and store'
    )
    assert list(setup.folder.iterdir()) == []


def test_work_covers_every_frame(setup, tmp_path, monkeypatch):
    config = setup.configs / 'refiner_27.py'
    growth.write(config, tmp_path / 'root', 5100, 8)()
    assert growth.open_data_set(config, tmp_path / 'root', 5100, 8)() == 5100
    seen = []
    monkeypatch.setattr(growth.Evaluator, 'evaluate', lambda self, n: seen.append((n, self.metrics[0].results)))
    growth.evaluate(config, tmp_path / 'root', 5100, 8)()
    ((videos, results),) = seen
    assert videos == 2 and len(results) == 2


@pytest.mark.parametrize(
    ('disk', 'memory', 'reason'),
    [(10, 10, 'needs 19 GB of disk, and 0 GB are free'), (1e12, 10, 'needs 14 GB of memory, and 0 GB are free')],
)
def test_what_does_not_fit(setup, monkeypatch, tmp_path, disk, memory, reason):
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: SimpleNamespace(free=disk))
    (tmp_path / 'meminfo').write_text(f'MemTotal: 99 kB\nMemAvailable: {memory} kB\n')
    monkeypatch.setattr(growth, '_MEMINFO', tmp_path / 'meminfo')
    assert growth.reason_against(setup, 12_000_000) == reason
