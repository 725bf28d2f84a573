"""``make test`` where there is no browser: the script that installs one, and the tests that need one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ('bash', 'dirname', 'mkdir', 'touch')


@pytest.fixture
def machine(tmp_path):
    """A machine with a copy of the script and an empty ``bin/``: a function that runs the script there."""
    (tmp_path / 'tools').mkdir()
    shutil.copy(ROOT / 'tools/setup_browser.sh', tmp_path / 'tools')
    for name in PROGRAMS:
        program(tmp_path / 'bin' / name, f'exec {shutil.which(name)} "$@"')

    def run(**variables):
        command = [shutil.which('bash'), 'tools/setup_browser.sh']
        env = dict(PATH=str(tmp_path / 'bin'), **variables)
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    run.folder = tmp_path
    return run


def program(path, script):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\necho {path.name} "$@" >>{path.parent.parent}/calls\n{script}\n')
    path.chmod(0o755)


def apt_calls(machine):
    return [line for line in (machine.folder / 'calls').read_text().splitlines() if line.startswith('apt-get')]


@pytest.mark.parametrize('user', [0, 1000])
def test_installs_once_with_the_right_to(machine, user):
    browser = f'for name in chromium chromedriver; do cp {machine.folder}/bin/dirname {machine.folder}/bin/$name; done'
    program(machine.folder / 'bin/apt-get', f'case $1 in install) PATH={os.environ["PATH"]}; {browser} ;; esac')
    program(machine.folder / 'bin/id', f'echo {user}')
    program(machine.folder / 'bin/sudo', '[ "$1" = -n ] && shift && exec "$@"')
    result = machine()
    assert result.returncode == 0 and result.stdout.count('\n') == 1 and 'setup: installing chromium' in result.stdout
    install = 'apt-get install -y --no-install-recommends chromium chromium-driver'
    assert apt_calls(machine) == ['apt-get update', install]
    result = machine(CI='1')
    assert (result.returncode, result.stdout, result.stderr) == (0, '', '') and len(apt_calls(machine)) == 2


def test_goes_on_where_it_cannot_install(machine):
    program(machine.folder / 'bin/apt-get', 'echo no network >&2; exit 100')
    program(machine.folder / 'bin/id', 'echo 0')
    assert (machine().returncode, machine().stdout) == (0, '')
    assert apt_calls(machine) == ['apt-get update'], 'tried once'
    result = machine(CI='1')
    assert result.returncode == 1 and result.stderr.count('\n') == 1
    assert 'setup: the tests of report.html need chromium and chromedriver, which could not be' in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize('ci', ['', '1'])
def test_without_a_browser_its_tests_are_skipped_by_name(tmp_path, ci):
    test = 'tests/visualization/report/test_page.py::test_toggles'
    command = [sys.executable, '-m', 'pytest', '-rs', '--no-fold-skipped', '-p', 'no:cacheprovider', test]
    env = os.environ | dict(PATH=str(tmp_path), CI=ci)
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    advice = 'on Debian: apt-get install chromium chromium-driver'
    if ci:
        assert result.returncode == 1 and f'{advice}), and with CI set no test may be skipped' in result.stdout
    else:
        assert result.returncode == 0 and f'SKIPPED {test}' in result.stdout and advice in result.stdout
