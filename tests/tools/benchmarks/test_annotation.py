import dataclasses
import shutil
from types import SimpleNamespace

import pytest
from benchmarks import annotation

from depth_refine.utils.errors import InputError


def test_rows(setup, same_process, monkeypatch):
    """A thousand frames, of which MMPose's data set takes 0.5 GB."""
    results, measure_alone = {}, annotation.measure_alone

    def keep(step, *args):
        usage = measure_alone(step, *args)
        results[step.__name__] = usage.result
        return usage

    monkeypatch.setattr(annotation, 'measure_alone', keep)
    rows = list(annotation.measure(dataclasses.replace(setup, frames=1000)))
    assert [row.unit for row in rows] == ['GB', *['s', 'GB'] * 9]
    assert rows[9].work == '1,000 frames: open `H36MDepthSequenceDataset`'
    assert rows[10].work == '1,000 frames: open `H36MDepthSequenceDataset`: peak memory'
    assert rows[13].work == '348 frames: metric, whole videos'
    assert all(row.ours.median >= 0 for row in rows[1::2]) and all(0.1 < row.ours.median < 8 for row in rows[::2])
    assert all(row.target is None for row in rows), 'targets are for the full size'
    assert results['open_images'] == 200, 'every 5th frame, as the config says'
    assert results['open_sequences'] == results['open_mmpose'] == results['order'] == 1000


def test_full_size(setup, monkeypatch):
    steps = []
    usage = SimpleNamespace(result=2.5, seconds=7.0, peak=1.25e9)
    monkeypatch.setattr(annotation, 'measure_alone', lambda step, *_: steps.append(step) or usage)
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: SimpleNamespace(free=8e9))
    *rows, last = annotation.measure(setup)
    assert len(steps) == 9 and annotation.open_mmpose not in steps
    assert last.note == 'left out: beyond 20,000 frames it needs too much memory'
    opened = [row for row in rows if 'H36MDepthSequenceDataset' in row.work]
    assert [(row.ours.median, row.target, row.met) for row in opened] == [(2.5, 5, True), (1.25, 1.5, True)]


def test_disk_without_space(setup, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: SimpleNamespace(free=7e9))
    with pytest.raises(InputError, match=f'{setup.folder} needs 7.8 GB and has 7.0 GB: give another --folder'):
        list(annotation.measure(setup))
