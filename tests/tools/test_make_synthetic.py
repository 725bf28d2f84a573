import subprocess
import sys
from pathlib import Path

import numpy as np

from depth_refine.synthetic.performances import procedural_performances

TOOL = Path(__file__).parents[2] / 'tools' / 'make_synthetic.py'


def run(*arguments):
    return subprocess.run([sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True)


def test_writes_clips_and_says_where(tmp_path):
    joints = np.concatenate([p.joints for p in procedural_performances(['S1', 'S5'], ['Waiting'], 3, seed=0)])
    np.savez(tmp_path / 'm.npz', positions=joints, clip=np.repeat([0, 1], 3), fps=50, subject=['a', 'b'])
    out = tmp_path / 'deep' / 'data'
    options = ['--frames', 2, '--image-size', 40, '--test-subjects', 'a', '--workers', 1]
    result = run(out, '--motion', tmp_path / 'm.npz', *options)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == f'wrote {out}'
    assert len(list(out.rglob('a_Clip0_1.*_000002.jpg'))) == 4
    assert 'image/s' in result.stderr, 'progress with a rate'


def test_bad_input_is_one_line_and_a_status(tmp_path):
    result = run(tmp_path / 'data', '--motion', tmp_path / 'none.npz')
    assert result.returncode == 1 and result.stdout == ''
    assert result.stderr.strip().splitlines()[-1] == f'error: no motion file {tmp_path}/none.npz'
    assert 'Traceback' not in result.stderr
    assert list(tmp_path.iterdir()) == []
