import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'make_synthetic.py'


def run(*arguments):
    return subprocess.run([sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True)


def test_writes_clips_and_says_where(tmp_path):
    from depth_refine.synthetic.performances import procedural_performances

    joints = np.concatenate([p.joints for p in procedural_performances(['S1', 'S5'], ['Waiting'], 3, seed=0)])
    np.savez(tmp_path / 'm.npz', positions=joints, clip=np.repeat([0, 1], 3), fps=50, subject=['a', 'b'])
    out = tmp_path / 'deep' / 'data'
    result = run(out, '--motion', tmp_path / 'm.npz', '--frames', 2, '--image-size', 40, '--test-subjects', 'a')
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == f'wrote {out}'
    assert len(list(out.rglob('a_Clip0_1.*_000002.jpg'))) == 4
    assert 'image/s' in result.stderr, 'progress with a rate'


@pytest.mark.parametrize('case', ['no file', 'exists'])
def test_bad_input_is_one_line_and_a_status(tmp_path, case):
    if case == 'no file':
        result = run(tmp_path / 'data', '--motion', tmp_path / 'none.npz')
        message = f'no motion file {tmp_path}/none.npz'
    else:
        result = run(tmp_path)
        message = f'{tmp_path} exists: give another folder, or remove it first'
    assert result.returncode == 1 and result.stdout == ''
    assert result.stderr.strip().splitlines()[-1] == f'error: {message}'
    assert 'Traceback' not in result.stderr
    assert list(tmp_path.iterdir()) == []
