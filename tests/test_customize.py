"""docs/customize.md: its files and commands as printed, in order, in an empty folder, print what it says they do."""

import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest
from mmengine.runner import Runner

ROOT = Path(__file__).parents[1]
# language and text of each fenced block
BLOCKS = re.findall(r'^```(\w*)\n(.*?)^```$', (ROOT / 'docs/customize.md').read_text(), re.MULTILINE | re.DOTALL)


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
    ran, printed = [], []
    for language, text in BLOCKS:
        if language == 'python':
            path = Path(re.match(r'# (mine/\w+\.py)\n', text)[1])
            path.parent.mkdir(exist_ok=True)
            assert not path.exists(), path
            path.write_text(text)
        elif language == 'text':  # of the commands before
            for line in text.splitlines():
                assert any(in_order(words(line), words(other)) for other in printed), f'not printed: {line}'
        else:
            printed = []
            for command in text.replace('\\\n', '').splitlines():
                ran += re.findall(r'mine/\w+\.py', command)
                printed += run(command, run_tool)
    written = {path.as_posix() for path in Path('mine').glob('*.py')}
    parts = {'mine/skeleton.py', 'mine/backbone.py', 'mine/losses.py', 'mine/metric.py'}  # which others read
    assert written == set(ran) | parts


def run(command, run_tool):
    """The lines that a command prints."""
    program, *arguments = shlex.split(command)
    if program == 'export':
        return []
    script, *arguments = arguments
    if script.startswith('mine/'):
        runpy.run_path(script, run_name='__main__')
        return []
    ended = run_tool(Path(script).stem, *arguments)
    assert ended.status == 0, f'{command}: {ended}'
    return (ended.out + ended.err).splitlines()


def words(line):
    """Words and numbers, but for those with one decimal, errors, which differ from one processor to another."""
    found = re.findall(r'\w(?:[\w./-]*\w)?', line)
    return [word for word in found if not re.fullmatch(r'\d+\.\d', word)]


def in_order(some, others):
    rest = iter(others)
    return all(word in rest for word in some)
