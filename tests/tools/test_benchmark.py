import json
from pathlib import Path

import pytest
from benchmarks import machine, sections
from benchmarks.comparison import Result, Spread
from benchmarks.machine import Machine
from benchmarks.report import check_document

from depth_refine.utils.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch, run_tool):
    """Run the tool with sections that return at once; returns how it ended and the setups."""
    setups = []

    def measure(name):
        return lambda setup: setups.append(setup) or iter([Result(f'work of {name}', 'm', Spread.of(2.5))])

    for name in sections.SECTIONS:
        monkeypatch.setitem(sections.SECTIONS, name, measure(name))
    monkeypatch.setattr(sections.estimate, 'measure', lambda setup, results: iter([Result('work of estimate', 'h')]))
    found = Machine('cpu', 'Abacus', 2, 1, '2.0', dict(fp32=1e9, bf16=4e9), 1e10)
    monkeypatch.setattr(machine, 'measure_machine', lambda device: found)

    return lambda *arguments: (run_tool('benchmark', *arguments), setups)


def test_usual_sections(run, tmp_path):
    (tmp_path / 'folder').mkdir()
    ended, setups = run('--out', tmp_path / 'numbers.json', '--folder', tmp_path / 'folder', '--rounds', 5)
    assert ended.status == 0
    titles = [line[3:] for line in ended.out.splitlines() if line.startswith('## ')]
    expected = [name for name in sections.SECTIONS if name not in ('growth', 'annotation')] + ['estimate']
    assert titles == expected == list(json.loads((tmp_path / 'numbers.json').read_text())['sections'])
    assert '| work of metric | m | 2.5 |' in ended.out and 'Measured on Abacus' in ended.out
    assert setups[0].rounds == 5 and setups[0].folder.parent == tmp_path / 'folder'
    assert setups[0].videopose3d is setups[0].refiner is setups[0].frames is None
    assert list((tmp_path / 'folder').iterdir()) == []


def test_document_is_updated(run, tmp_path):
    path = tmp_path / 'doc.md'
    path.write_text('<!-- begin growth -->\nold\n<!-- end growth -->\nkept\n')
    ended, setups = run('--only', 'growth', '--update-docs', path, '--frames', 7)
    assert ended.status == 0 and setups[0].frames == 7
    text = path.read_text()
    assert 'work of growth' in text and 'old' not in text and text.endswith('kept\n')


def test_nothing_is_measured_in_vain(run, tmp_path):
    (tmp_path / 'doc.md').write_text('')
    (status, _, _), setups = run('--only', 'metric', '--update-docs', tmp_path / 'doc.md')
    assert status.startswith(f'error: {tmp_path}/doc.md has no lines') and '\n' not in status
    (status, _, _), _ = run('--folder', tmp_path / 'absent')
    assert status == f'error: no folder {tmp_path}/absent: give an existing --folder'
    (status, _, _), _ = run('--videopose3d', tmp_path)
    assert status.startswith(f'error: no {tmp_path}/common/model.py: --videopose3d expects a checkout')
    (status, _, _), _ = run('--refiner', __file__, tmp_path / 'absent.pth')
    assert (
        status == f'error: no file {tmp_path}/absent.pth: --refiner and --first-stage expect a config and a checkpoint'
    )
    for out in (tmp_path, tmp_path / 'absent' / 'numbers.json'):
        (status, _, _), _ = run('--out', out)
        assert status == f'error: --out {out}: expected the name of a file in an existing folder'
    for option, number in (('--rounds', 0), ('--frames', -5), ('--frames', 0)):
        (status, _, printed), _ = run(option, number)
        assert status == 2 and f'{option}: expected 1 or more, got {number}' in printed
    assert setups == []


def test_finished_sections_are_kept(run, monkeypatch, tmp_path):
    def fail(setup):
        raise InputError('no more')

    monkeypatch.setitem(sections.SECTIONS, 'windows', fail)
    ended, setups = run('--only', 'metric', 'metric', 'windows', '--out', tmp_path / 'numbers.json')
    assert ended.status == 'error: no more' and len(setups) == 1, 'a section is measured once'
    assert list(json.loads((tmp_path / 'numbers.json').read_text())['sections']) == ['metric']


@pytest.mark.parametrize('name', sections.expected(list(sections.SECTIONS)))
def test_page_has_a_place_for_every_section(name):
    assert check_document(ROOT / 'docs' / 'performance.md', name)
