import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.logging import MMLogger

from depth_refine.errors import InputError

TOOL = Path(__file__).parents[2] / 'tools' / 'benchmark_annotation.py'


@pytest.fixture
def tool(monkeypatch):
    """The tool as a module, which runs its stages in this process."""
    spec = importlib.util.spec_from_file_location('benchmark_annotation', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, 'ProcessPoolExecutor', lambda *_: ThreadPoolExecutor(1))
    return module


def test_table(tool, tmp_path, monkeypatch, capsys):
    """A thousand frames, of which MMPose's data set takes 0.5 GB."""
    results, log = {}, []
    monkeypatch.setattr(MMLogger, 'info', lambda self, message: log.append(message))

    def keep(name, stage):
        return lambda root, frames: results.update({name: stage(root, frames)})

    monkeypatch.setattr(tool, 'STAGES', {name: keep(name, stage) for name, stage in tool.STAGES.items()})
    monkeypatch.setattr('sys.argv', ['benchmark_annotation.py', str(tmp_path / 'new'), '--frames', '1000'])
    tool.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == ['1000 frames', '', '| step | seconds | peak GB |', '|---|---:|---:|']
    table = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines[4:]]
    assert [name for name, _, _ in table] == list(tool.STAGES) and len(table) == 9
    assert all(float(seconds) >= 0 and 0.1 < float(peak) < 8 for _, seconds, peak in table)
    assert len(results['open `H36MImageDataset`']) == 200, 'every 5th frame, as the config says'
    assert len(results['open `H36MDepthSequenceDataset`']) == 1000
    assert len(results["open MMPose's `Human36mDataset`"]) == 1000
    assert sorted(results['order of an epoch, 1 index a frame']) == list(range(1000))
    assert sum('15 actions, 708 frames, 236 sequences' in message for message in log) == 2
    assert list((tmp_path / 'new').iterdir()) == []


def test_disk_without_space(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool.shutil, 'disk_usage', lambda folder: SimpleNamespace(free=7_000_000_000))
    monkeypatch.setattr('sys.argv', ['benchmark_annotation.py', str(tmp_path)])
    with pytest.raises(InputError, match=f'{tmp_path} needs 7.8 GB and has 7.0 GB: give another folder'):
        tool.main()
