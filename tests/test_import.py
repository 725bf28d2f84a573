"""The package on a system that lacks what only POSIX systems have, as Windows does."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The packages below are imported first: that theirs is done with care on Windows is not the subject.
WITHOUT_POSIX = """
import multiprocessing, os, pkgutil, platform, runpy, signal, sys
import cv2, matplotlib.pyplot, mmcv.cnn, mmengine.runner, onnxruntime, torch.multiprocessing
platform.system = lambda: 'Windows'
for module in ('fcntl', 'grp', 'pty', 'pwd', 'readline', 'resource', 'syslog', 'termios', 'tty'):
    sys.modules[module] = None
for name in ('fork', 'geteuid', 'getpgid', 'getuid', 'killpg', 'mkfifo', 'posix_fallocate', 'sched_getaffinity'):
    delattr(os, name)
for name in ('SIGALRM', 'SIGHUP', 'SIGKILL', 'SIGPIPE', 'SIGUSR1', 'alarm', 'setitimer'):
    delattr(signal, name)
multiprocessing.get_all_start_methods = lambda: ['spawn']
multiprocessing.set_start_method('spawn', force=True)
"""
EVERYTHING = """
if __name__ == '__main__':
    import depth_refine
    for module in pkgutil.walk_packages(depth_refine.__path__, 'depth_refine.'):
        __import__(module.name)
    tools, folder = sys.argv[1:]
    sys.path.insert(0, tools)
    for name in sorted(os.listdir(tools)):
        if name.endswith('.py'):
            runpy.run_path(os.path.join(tools, name), run_name='tool')
    from depth_refine.utils.atomic import whole_folder
    from depth_refine.utils.parallel import worker_pool
    with whole_folder(folder) as partial, worker_pool(1, 'depth_refine.utils.parallel') as pool:
        (partial / 'a').write_text(str(pool.submit(abs, -3).result()))
"""


@pytest.mark.slow
def test_without_posix(tmp_path):
    """Every module and tool is imported; processes, locks and files work."""
    script = tmp_path / 'script.py'
    script.write_text(WITHOUT_POSIX + EVERYTHING)
    subprocess.run([sys.executable, script, ROOT / 'tools', tmp_path / 'folder'], check=True, cwd=ROOT)
    assert sorted(path.name for path in tmp_path.rglob('*')) == ['a', 'folder', 'script.py']
    assert (tmp_path / 'folder/a').read_text() == '3'


def without_encoding(path):
    """Lines that read or write text as the system's settings have it: on Windows that is often not UTF-8."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if not isinstance(node, ast.Call) or any(keyword.arg == 'encoding' for keyword in node.keywords):
            continue
        name = getattr(node.func, 'attr', getattr(node.func, 'id', ''))
        owner = getattr(getattr(node.func, 'value', None), 'id', '')
        literals = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        mode = next((text for text in literals if isinstance(text, str) and set(text) <= set('rwaxbt+')), 'r')
        opens = name == 'open' and 'b' not in mode and owner not in ('archive', 'av', 'tarfile', 'Image')
        if opens or name in ('read_text', 'write_text'):
            yield f'{path.relative_to(ROOT)}:{node.lineno}'


@pytest.mark.parametrize('folder', ['depth_refine', 'tools'])
def test_text_is_utf_8_on_every_system(folder):
    assert [place for path in sorted((ROOT / folder).rglob('*.py')) for place in without_encoding(path)] == []
