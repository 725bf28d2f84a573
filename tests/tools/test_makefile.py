"""What make targets run; the environment has tests of its own, test_setup_env.py."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from command_check import parse

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path):
    """Run a command in a clone whose set-up does nothing and whose Python prints what it is to run."""
    shutil.copy(ROOT / 'Makefile', tmp_path)
    for path, text in (('.venv/bin/python', 'printf "%s\\n" "$@"'), ('tools/setup_env.sh', 'echo set up')):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(f'#!/bin/sh\n{text}\n')
        (tmp_path / path).chmod(0o755)
    env = {name: value for name, value in os.environ.items() if not name.startswith('MAKE')}  # of `make test` itself

    def run(command):
        done = subprocess.run(
            shlex.split(command), cwd=tmp_path, env=env | dict(MAKEFLAGS='s'), capture_output=True, text=True
        )
        return done.returncode, done.stdout.splitlines(), done.stderr

    return run


@pytest.mark.parametrize(
    ('command', 'expected'),
    [
        ('make demo', ['tools/demo.py']),
        ('make video VIDEO=clip.mp4', ['tools/infer_video.py', 'clip.mp4', '--out', 'poses']),
        ("make video VIDEO='my clip.mp4' OUT=walk", ['tools/infer_video.py', 'my clip.mp4', '--out', 'walk']),
        ('make video VIDEO="Ann\'s, 2.mp4" OUT="\'"', ['tools/infer_video.py', "Ann's, 2.mp4", '--out', "'"]),
    ],
)
def test_a_tool_is_run_after_the_set_up(run, command, expected):
    assert run(command) == (0, ['set up', *expected], '')
    tool, *arguments = expected
    assert not isinstance(parse(Path(tool).stem, arguments), str), 'a usage message'


def test_a_video_must_be_named(run):
    status, printed, message = run('make video')
    assert status != 0 and printed == [] and 'name the video, as in make video VIDEO=clip.mp4' in message
