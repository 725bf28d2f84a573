"""Pickles that run code: each makes a file, the canary, when Python's own unpickler loads it."""

import copyreg
import functools
import importlib
import io
import marshal
import operator
import os
import pathlib
import pickle
import runpy
import shutil
import subprocess

import numpy as np
import pytest
import torch
from pickled_call import Call

EXTENSION = 0xF1  # a code of copyreg's, which a pickle can name instead of a function


def calls(canary):
    """Objects whose pickles run code."""
    touch, code = f'touch {canary}', f'open({str(canary)!r}, "w").close()'
    nested = pickle.dumps(Call(os.system, touch), protocol=2)
    script = canary.with_suffix('.py')
    script.write_text(code)
    unrestricted = functools.partial(torch.load, weights_only=False)
    return {
        'os.system': Call(os.system, touch),
        'os.mkdir': Call(os.mkdir, str(canary)),
        'subprocess': Call(subprocess.call, ['touch', str(canary)]),
        'eval': Call(eval, code),
        'exec': Call(exec, code),
        'compile': Call(exec, Call(compile, code, 'x', 'exec')),
        'open': Call(open, str(canary), 'w'),
        'pathlib': Call(pathlib.Path.touch, canary),
        'shutil': Call(shutil.copy, '/dev/null', str(canary)),
        'runpy': Call(runpy.run_path, str(script)),
        'chain of getattr': Call(Call(getattr, Call(importlib.import_module, 'os'), 'system'), touch),
        'chain of __import__': Call(Call(getattr, Call(__import__, 'os'), 'system'), touch),
        'methodcaller': Call(operator.methodcaller('touch'), canary),
        'attrgetter': Call(Call(operator.attrgetter('system'), Call(importlib.import_module, 'os')), touch),
        'partial': Call(functools.partial(os.system, touch)),
        'reduce': Call(Call(functools.reduce, getattr, ['touch'], canary)),
        'marshalled code': Call(exec, Call(marshal.loads, marshal.dumps(compile(code, 'x', 'exec')))),
        'pickle in a pickle': Call(pickle.loads, nested),
        'numpy.load': Call(np.load, io.BytesIO(nested), None, True),
        'torch.load': Call(unrestricted, io.BytesIO(saved(Call(os.system, touch)))),
        'torch storage': Call(torch.storage._load_from_bytes, saved(Call(os.system, touch))),
        'beside weights': dict(state_dict=dict(weight=np.ones(3)), meta=[Call(os.system, touch)]),
        'array of objects': np.array([1, Call(os.system, touch)], dtype=object),
    }


def streams(canary):
    """Pickles that Python's own pickler would not write."""
    touch = f'touch {canary}'.encode()
    text = b'X' + len(touch).to_bytes(4, 'little') + touch
    return {
        'protocol 0': b"cos\nsystem\n(S'" + touch + b"'\ntR.",
        'INST': b"(S'" + touch + b"'\nios\nsystem\n.",
        'OBJ': b'(cos\nsystem\n' + text + b'o.',
        'STACK_GLOBAL': b'\x80\x04\x8c\x02os\x8c\x06system\x93(' + text + b'tR.',
        'dotted name': b'\x80\x04\x8c\x06shutil\x8c\x09os.system\x93(' + text + b'tR.',
        'EXT1': b'\x80\x02\x82' + bytes([EXTENSION]) + b'(' + text + b'tR.',
        'after the end': b'N0' + b'cos\nsystem\n(' + text + b'tR0}.',
    }  # fmt: skip


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.fixture
def canary(tmp_path_factory):
    """A path where nothing is, or ever should be."""
    return tmp_path_factory.mktemp('canary') / 'ran'


@pytest.fixture
def corpus(canary):
    copyreg.add_extension('posix', 'system', EXTENSION)
    objects = calls(canary)
    yield {
        **{name: pickle.dumps(content, protocol=2) for name, content in objects.items()},
        **{f'{name}, protocol 5': pickle.dumps(content, protocol=5) for name, content in objects.items()},
        **streams(canary),
    }
    copyreg.remove_extension('posix', 'system', EXTENSION)
