from benchmarks import estimate, sections
from benchmarks.comparison import Result


def test_estimate_follows_what_it_needs(setup, monkeypatch):
    names = ['metric', *estimate.NEEDS]
    for name in names:
        monkeypatch.setitem(sections.SECTIONS, name, lambda setup, name=name: iter([Result(name, '')]))
    monkeypatch.setattr(estimate, 'measure', lambda setup, results: iter([Result(f'from {list(results)}', '')]))
    found = list(sections.run_sections(names, setup))
    assert [name for name, _ in found] == sections.expected(names) == [*names, 'estimate']
    assert [row.work for _, (row,) in found] == [*names, f'from {names}']
    assert sections.expected(names[:-1]) == names[:-1]
    assert [name for name, _ in sections.run_sections(names[:-1], setup)] == names[:-1]
