"""The pages on data and parts of one's own: their files and commands, in order, print what the pages say they do."""

import re
import runpy
import shlex
import shutil
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
from documents import ROOT, blocks
from mmengine.runner import Runner

PAGES = [ROOT / f'docs/{name}.md' for name in ('own_data', 'own_images', 'customize')]
TEXTS = [text for page in PAGES for _, text in blocks(page.read_text(), 'text')]
NUMBER = r'\d+\.\d+'
FACTOR = 1.5  # by which errors and losses may differ between machines; such numbers have decimals


@pytest.fixture
def without_workers(monkeypatch):
    """Data are loaded in this process, which is quicker where there are few."""
    build = Runner.build_dataloader

    def build_dataloader(loader, *args, **kwargs):
        return build(dict(loader, num_workers=0, persistent_workers=False), *args, **kwargs)

    monkeypatch.setattr(Runner, 'build_dataloader', staticmethod(build_dataloader))


@pytest.mark.slow
def test_files_and_commands(run_tool, short_logs, without_workers, tmp_path, monkeypatch):
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # PYTHONPATH=.
    ran, printed, faults = [], [], []
    for page in PAGES:
        for language, text in re.findall(r'^```(\w*)\n(.*?)^```$', page.read_text(), re.MULTILINE | re.DOTALL):
            if language == 'python':
                path = Path(re.match(r'# (mine/\w+\.py)\n', text)[1])
                path.parent.mkdir(exist_ok=True)
                assert not path.exists(), path
                path.write_text(text)
            elif language == 'text':  # of the commands before
                faults += not_printed(text, printed)
            else:
                printed = []
                for command in text.replace('\\\n', '').splitlines():
                    ran += re.findall(r'mine/\w+\.py', command)
                    printed += run(command, run_tool)
    assert not faults, '\n'.join(faults)
    written = {path.as_posix() for path in Path('mine').glob('*.py')}
    parts = {f'mine/{name}.py' for name in ('skeleton', 'backbone', 'heads', 'losses', 'metric', 'transforms')}
    assert written == set(ran) | parts  # which others read


def run(command, run_tool):
    """The lines that a command prints, but for progress bars."""
    program, *arguments = shlex.split(command)
    if program == 'export':
        return []
    script, *arguments = arguments
    if script.startswith('mine/'):
        runpy.run_path(script, run_name='__main__')
        return []
    ended = run_tool(Path(script).stem, *arguments)
    assert ended.status == 0, f'{command}: {ended}'
    return [line for line in [*ended.err.splitlines(), *ended.out.splitlines()] if not re.search(r'\d%\|', line)]


def not_printed(text, printed):
    """Of a block the first line that was not printed at its place, in a list; all lines are there but for ``...``."""
    shown, printed = ([line for line in lines if line.strip()] for lines in (text.splitlines(), printed))
    furthest, others = 0, []

    def fits(line, at):
        nonlocal furthest, others
        if line > furthest:
            furthest, others = line, []
        if line == furthest:
            others += printed[at : at + 1]
        if line == len(shown):
            return at == len(printed)
        if shown[line] == '...':
            return any(fits(line + 1, later) for later in range(at, len(printed) + 1))
        return at < len(printed) and alike(shown[line], printed[at]) and fits(line + 1, at + 1)

    if fits(0, 0):
        return []
    line = [*shown, 'no further line'][furthest]
    other = max(others, key=lambda other: SequenceMatcher(None, line, other).ratio(), default='nothing')
    return [f'the page has {line!r} where {other!r} is printed']


def alike(shown, printed):
    """Is a line what is printed, but for ``...`` and, outside notes, for some of the size of its errors?"""
    loose = NUMBER if not shown.startswith(('note: ', 'camera: ')) else '(?!)'
    pieces = re.split(rf'({loose}|\.\.\.|\s+)', shown)
    patterns = {'...': '.*'} | {piece: r'\s+' for piece in pieces if piece.isspace()}
    patterns |= {piece: f'({NUMBER})' for piece in pieces if re.fullmatch(loose, piece)}
    found = re.fullmatch(''.join(patterns.get(piece, re.escape(piece)) for piece in pieces), printed)
    if not found:
        return False
    pairs = [sorted(map(float, pair)) for pair in zip(re.findall(loose, shown), found.groups(), strict=True)]
    return all(larger <= FACTOR * smaller for smaller, larger in pairs)


PRINTED = [
    '11/30 20:32:55 - INFO - errors',
    'walk       120      425.9      343.7',
    'wave       120      447.1      358.8',
    'mean                436.5      351.3',
    'note: Taken as 12.5 a second.',
]


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        ({}, ''),
        ({0: '... INFO - ...'}, ''),
        ({0: '...', 2: '...'}, ''),
        ({1: 'walk 120 325.9 443.7'}, ''),
        ({1: 'walk 120 225.9 343.7'}, "'walk 120 225.9 343.7' where 'walk "),
        ({3: 'mean 436.5 851.3'}, "'mean 436.5 851.3' where 'mean "),
        ({1: 'walk 121 425.9 343.7'}, "'walk 121 425.9 343.7' where 'walk "),
        ({1: 'walk 120 425.9'}, "'walk 120 425.9' where 'walk "),
        ({4: 'note: Taken as 12.6 a second.'}, "'note: Taken as 12.6 a second.' where 'note: "),
        ({0: None}, "'walk       120      425.9      343.7' where '11/30 "),
        ({2: None}, "'mean                436.5      351.3' where 'wave "),
        ({4: None}, "'no further line' where 'note: "),
        ({4: f'{PRINTED[4]}\nmore'}, "'more' where 'nothing' is printed"),
    ],
)
def test_what_is_not_printed_is_found(changed, message):
    lines = [changed.get(number, line) for number, line in enumerate(PRINTED)]
    faults = not_printed('\n'.join(line for line in lines if line is not None), PRINTED)
    assert len(faults) == bool(message) and message in ''.join(faults)


def misfits(text):
    """Lines of means that are not those of the actions above, and of losses that are not the sum of their terms."""
    lines = {line.partition('  ')[0]: line for line in text.splitlines()}
    numbers = {name: np.array(re.findall(NUMBER, line), float) for name, line in lines.items()}
    wrong = []
    for name in ('mean of actions', 'mean of frames'):  # actions have as many frames here
        if name in lines and np.abs(numbers[name] - (numbers['walk'] + numbers['wave']) / 2).max() > 0.11:
            wrong.append(lines[name])
    for line in lines.values():
        total, *terms = map(float, re.findall(r'\bloss(?:_\w+)?: (\S+)', line) or [0])
        if abs(total - sum(terms)) > 0.0003:
            wrong.append(line)
    return wrong


@pytest.mark.parametrize('text', TEXTS, ids=range(len(TEXTS)))
def test_numbers_of_a_page_fit_one_another(text):
    assert misfits(text) == []


@pytest.mark.parametrize('last', ['mean of actions  436.5', '... loss: 1.51  loss_a: 1.25  loss_b: 0.26'])
def test_numbers_that_do_not_fit_are_found(last):
    actions = 'walk  425.9\nwave  447.1\n'
    assert misfits(actions + last) == []
    wrong = last.replace('436', '418').replace('0.26', '0.25')
    assert misfits(actions + wrong) == [wrong]
