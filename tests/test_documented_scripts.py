"""Scripts that a document prints, among its commands, as a reader would type them; on small data."""

import re
import runpy
import shlex
import shutil
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from command_check import parse
from documents import DOCUMENTS, blocks, code

# tests/test_customize.py runs all of docs/customize.md
PRINTED = {path: [text for _, text in blocks(path.read_text(), 'python') if 'sys.argv' in text] for path in DOCUMENTS}


@pytest.mark.slow
@pytest.mark.parametrize('path', [path for path, scripts in PRINTED.items() if scripts], ids=lambda path: path.name)
def test_scripts(path, data_root, stages, run_tool, tmp_path, monkeypatch):
    """Boxes and truth from an annotation, poses by a pair of networks, and how far others are from the truth."""
    monkeypatch.chdir(tmp_path)
    Path('data').mkdir()
    Path('data/synthetic').symlink_to(data_root)
    commands = [text for _, text in code(path.read_text(), path.name)]
    names = [match[1] for command in commands if (match := re.match(r'python (\w+\.py) ', command))]
    for name, text in zip(names, PRINTED[path], strict=True):
        Path(name).write_text(text)
    pattern = rf'python (?:{"|".join(map(re.escape, names))}|tools/\w+\.py data/synthetic/)'
    printed = []
    for command in filter(re.compile(pattern).match, commands):
        _, program, *arguments = shlex.split(command)
        if program in names:
            monkeypatch.setattr(sys, 'argv', [program, *arguments])
            with redirect_stdout(StringIO()) as out:
                runpy.run_path(program, run_name='__main__')
            printed.append(out.getvalue())
            continue
        given = parse(Path(program).stem, arguments)
        for source, target in zip(stages, [*given.stage1, *given.stage2], strict=True):
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        ended = run_tool(Path(program).stem, *arguments)
        assert ended.status == 0, ended
        (truth,) = map(np.load, Path().glob('*.npy'))
        with np.load(Path(given.out, 'poses.npz')) as arrays:
            arrays = dict(arrays)
        assert arrays['root_relative_m'].shape == truth.shape
        known = dict(root_relative_m=truth - truth[:, :1] + [0, 0, 0.012], camera_m=truth + [0.025, 0, 0])
        np.savez(Path(given.out, 'poses.npz'), **arrays | known)
    assert printed == ['', 'pose 12 mm, path 25 mm\n']
