import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Runs code for real, but only pretends to make environments and to install.
PYTHON = f"""#!/bin/sh
case "$1 $2" in
'-m venv') rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
'-m pip') echo "$@" >>pip.log && [ ! -e broken ] ;;
*) exec {sys.executable} "$@" ;;
esac
"""
DF = '#!/bin/sh\nprintf "Filesystem 1024-blocks Used Available\\n/dev/disk 9 9 %s\\n" "${FREE_KIB:-99999999}"\n'


def write_script(path, text):
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path):
    """A clone with a stand-in for Python, and one for ``df`` since the disk that runs the tests may be full."""
    clone = tmp_path / 'a clone'
    for name in ('requirements', 'tools'):
        shutil.copytree(ROOT / name, clone / name)
    shutil.copy(ROOT / 'Makefile', clone)
    (tmp_path / 'bin').mkdir()
    write_script(tmp_path / 'bin' / 'python', PYTHON)
    write_script(tmp_path / 'bin' / 'df', DF)
    return clone


def make_env(clone, **variables):
    bin_dir = clone.parent / 'bin'
    env = {name: value for name, value in os.environ.items() if not name.startswith('MAKE')}  # of `make test` itself
    env |= {'PATH': f'{bin_dir}{os.pathsep}{env["PATH"]}', 'PYTHON': str(bin_dir / 'python'), **variables}
    return subprocess.run(['make', 'env'], cwd=clone, env=env, capture_output=True, text=True)


def calls_of_pip(clone):
    log = clone / 'pip.log'
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def test_every_requirement_file_is_installed_once(clone):
    assert make_env(clone).returncode == 0
    calls = '\n'.join(calls_of_pip(clone))
    for file in {*(ROOT / 'requirements').glob('*.txt')} - {ROOT / 'requirements/nox.txt'}:  # of no use in .venv/
        assert calls.count(f'requirements/{file.name}') == 1
    assert (result := make_env(clone)).returncode == 0
    assert result.stdout + result.stderr == ''
    assert make_env(clone, PYTHON='').returncode == 0
    assert calls_of_pip(clone) == []


def test_interrupted_installation_starts_afresh(clone):
    (clone / 'broken').touch()
    result = make_env(clone)
    assert result.returncode != 0 and 'setup: the installation failed' in result.stderr
    (clone / '.venv' / 'leftover').touch()
    (clone / 'broken').unlink()
    calls_of_pip(clone)
    assert make_env(clone).returncode == 0
    assert calls_of_pip(clone) != [] and not (clone / '.venv' / 'leftover').exists()


@pytest.mark.parametrize('change', ['requirements', 'folder', 'interpreter'])
def test_changes_install_again(clone, change):
    make_env(clone)
    calls_of_pip(clone)
    if change == 'requirements':
        with (clone / 'requirements' / 'dev.txt').open('a') as file:
            file.write('one==1.0\n')
    elif change == 'folder':
        clone = clone.rename(clone.with_name('moved'))
    else:
        write_script(clone / '.venv' / 'bin' / 'python', '#!/bin/sh\nexit 1\n')
    assert make_env(clone).returncode == 0
    assert calls_of_pip(clone) != []


OLD_PYTHON = '#!/bin/sh\ncase "$2" in *print*) echo 3.8 ;; *) exit 1 ;; esac\n'


@pytest.mark.parametrize(
    ('variables', 'message'),
    [
        ({'PYTHON': ''}, 'found no Python 3.11 or 3.12 '),
        ({'PYTHON': 'no-such-python'}, 'PYTHON=no-such-python is Python (not found); 3.11 or 3.12 '),
        ({'PYTHON': 'python3'}, 'PYTHON=python3 is Python 3.8; 3.11 or 3.12 '),
        ({'CC': 'no-such-compiler'}, "the C compiler 'no-such-compiler' does not work "),
        ({'FREE_KIB': '2048000'}, 'MiB are needed, mostly for PyTorch with CUDA, and 2000 MiB are free.'),
    ],
)
def test_what_is_missing_is_said_in_one_line(clone, variables, message):
    for name in ('python3.12', 'python3.11', 'python3'):
        write_script(clone.parent / 'bin' / name, OLD_PYTHON)
    result = make_env(clone, **variables)
    (line,) = (line for line in result.stderr.splitlines() if not line.startswith('make'))
    assert result.returncode != 0 and line.startswith('setup: ') and message in line
    assert result.stdout == '' and not (clone / '.venv').exists()
