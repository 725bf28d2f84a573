"""Runs the tools of ``tools/`` in forked processes, so that each starts with all it imports.

Every line of the standard input is a request, every answer a line. ``["start", output file, most bytes of a file that
it may write or null, environment variables, tool, argument ...]`` is answered by a process id, ``["wait", process id]``
by its exit status, negative for a signal, and the seconds of computing that it took.
"""

import gc
import importlib
import json
import os
import resource
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path

import mmengine.config.config
import torch

TOOLS = Path(__file__).parents[2] / 'tools'
sys.path.insert(0, str(TOOLS))  # as of a script there


def answer(value: object) -> None:
    print(json.dumps(value), flush=True)


def become(output: str, most_bytes: int | None, variables: dict, name: str, *arguments: str) -> None:
    """Run a tool in this process as ``python tools/NAME.py`` does."""
    os.environ.update(variables)
    if most_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    for stream, path in ((0, os.devnull), (1, output), (2, output)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), stream)
    sys.argv = [str(TOOLS / f'{name}.py'), *arguments]
    runpy.run_path(sys.argv[0], run_name='__main__')


with redirect_stdout(sys.stderr):  # the standard output is for answers, and MMDetection's fork prints when imported
    for module in (
        *('depth_refine.data_tools.preparation.prepare', 'reproduction.tables.table1', 'depth_refine.synthetic'),
        *('mmdet.apis', 'mmpose.apis', 'mmpose.visualization', 'torch._dynamo'),
    ):
        importlib.import_module(module)
mmengine.config.config.FormatCode = lambda text, **_: (text, False)  # half of the time of a short training
torch.set_num_threads(1)
gc.freeze()  # a process of ours would take 2 s to collect at its end what it shares with this one
for line in sys.stdin:
    what, *rest = json.loads(line)
    if what == 'wait':
        _, status, usage = os.wait4(*rest, 0)
        answer([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime])
        continue
    process = os.fork()
    if process == 0:
        become(*rest)
        break
    answer(process)
