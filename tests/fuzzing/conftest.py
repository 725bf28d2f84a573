"""Fuzzing of all readers with damaged and forged input.

Each case must end in a value that the test accepts, or in an ``InputError`` that names the file. Anything else is a
failure: another exception, more than ten seconds, more than half a gigabyte.

``pytest tests/fuzzing --cases 1500`` tries that many cases with each reader; every run draws the same ones.
"""

import copy
import faulthandler
import io
import json
import math
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from depth_refine.utils.errors import InputError

_SECONDS = 10
_BYTES = 1 << 29  # more than any of the small files can need


def pytest_addoption(parser):
    parser.addoption('--cases', type=int, default=20, help='cases of fuzzing for each reader')


class Fuzz:
    """Tries a reader with a number of cases."""

    def __init__(self, cases: int) -> None:
        self.cases = cases

    def __call__(self, path: Path, content: Any, read: Callable, judge: Callable, encode=bytes, file=None) -> None:
        """Read ``path`` with damage in it, or in ``file``, which lies in ``path``.

        Damaged are bytes, or dicts, lists and arrays; ``encode`` makes the bytes of the file of them.
        ``judge(damaged, value)`` asserts that a value is correct.
        """
        damaged = damaged_bytes(content) if isinstance(content, bytes) else damaged_tree(content)
        self.run(damaged, lambda case: (file or path).write_bytes(encode(case)), lambda: read(path), judge, path.name)

    def run(self, cases: st.SearchStrategy, write: Callable, read: Callable, judge: Callable, name: str) -> None:
        """Write each case and read it, which ends in a correct value or a refusal that says ``name``."""

        @settings(
            max_examples=self.cases,
            derandomize=True,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            phases=(Phase.generate,),  # a case is small damage to a small file: there is little to shrink
            suppress_health_check=list(HealthCheck),
        )
        @given(cases)
        def attempt(case):
            write(case)
            try:
                with bounded():
                    value = read()
            except InputError as error:
                assert name in str(error), f'the message names no {name}: {error}'
                assert not ran_out_of_memory(error), f'memory was asked for before the claim was checked: {error}'
            else:
                judge(case, value)

        attempt()

    @staticmethod
    def npz(arrays: dict, save: Callable = np.savez) -> bytes:
        buffer = io.BytesIO()
        save(buffer, **{key: np.asarray(array) for key, array in arrays.items()})
        return buffer.getvalue()

    @staticmethod
    def json(content: Any) -> bytes:
        return json.dumps(content).encode()


@pytest.fixture(scope='session')
def fuzz(request):
    return Fuzz(request.config.getoption('--cases', 20))


@contextmanager
def bounded() -> Iterator[None]:
    """Limit the time of a block, and its memory beyond what the process has."""

    def give_up(*_):
        pytest.fail(f'not done after {_SECONDS} s')  # no Exception, which a reader could take for a damaged file's

    before, limit = signal.signal(signal.SIGALRM, give_up), resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    faulthandler.dump_traceback_later(6 * _SECONDS, exit=True)  # for compiled code, which no signal reaches
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + _BYTES, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


def ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether that is behind an error."""
    return error is not None and (isinstance(error, MemoryError) or ran_out_of_memory(error.__context__))


@st.composite
def damaged_bytes(draw, content: bytes) -> bytes:
    """A file cut, overwritten, or with pieces of itself or noise in the wrong place, up to three times."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        at, length = draw(_places(len(data))), draw(st.integers(1, 64) | st.integers(1, max(len(data), 1)))
        piece = bytes(data[at : at + length])
        match draw(st.sampled_from(['cut', 'flip', 'number', 'noise', 'remove', 'repeat', 'move'])):
            case 'cut':
                del data[at:]
            case 'flip':
                data[at : at + 1] = bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in data[at : at + 1])
            case 'number':
                size, order = draw(st.sampled_from([1, 2, 4, 8])), draw(st.sampled_from(['little', 'big']))
                number = draw(st.sampled_from([0, 1, 10**9, -1, 1 << (8 * size - 1), (1 << (8 * size - 1)) - 1]))
                data[at : at + size] = (number % (1 << 8 * size)).to_bytes(size, order)
            case 'noise':
                noise = draw(st.binary(max_size=16))
                data[at : at + draw(st.sampled_from([0, len(noise)]))] = noise
            case 'remove':
                del data[at : at + length]
            case 'repeat':
                data[at:at] = piece * draw(st.integers(1, 3))
            case 'move':
                to = draw(_places(len(data)))
                data[to : to + length] = piece
    return bytes(data)


def _places(size: int) -> st.SearchStrategy[int]:
    """Places in a file; its ends, where headers and directories are, more often."""
    last = max(size - 1, 0)
    near = st.integers(0, min(last, 128))
    return st.integers(0, last) | near | near.map(lambda i: last - i)


_NUMBERS = (0, -1, 1, 0.5, 1e-9, 10**6, 10**9, 2**31, 2**63, 1e30, 1e308, math.nan, math.inf, -math.inf)
_VALUES = (*_NUMBERS, None, True, '', 'a', '17', '../../a', 'a\0b', '\ud800', 'é' * 300, [], {}, [[]], [{}], {'a': 1})


@st.composite
def damaged_tree(draw, content: Any, values: tuple = _VALUES) -> Any:
    """Dicts and lists of which up to three members are replaced, left out, renamed, repeated or out of range."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        holder, key = None, None
        node = content
        while (keys := _keys(node)) and (holder is None or draw(st.booleans())):
            holder, key = node, draw(st.sampled_from(keys))
            node = node[key]
        if holder is not None:
            _damage(draw, holder, key, values)
    return content


def _keys(node: Any) -> list:
    return list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []


def _damage(draw, holder: dict | list, key: Any, values: tuple) -> None:
    node = holder[key]
    match draw(st.sampled_from(['replace', 'change', 'change', 'leave out', 'rename'])):
        case 'replace':
            holder[key] = copy.deepcopy(draw(st.sampled_from(values)))  # later damage must not reach the list of them
        case 'change' if isinstance(node, np.ndarray):
            holder[key] = draw(damaged_array(node))
        case 'change' if isinstance(node, int | float) and not isinstance(node, bool):
            holder[key] = draw(st.sampled_from([-node, 1000 * node, node / 1000, node + 1, *_NUMBERS]))
        case 'change' if isinstance(node, str):
            holder[key] = draw(st.sampled_from([node.upper(), node[:-1], node * 2, f'{node}\0']))
        case 'rename' if isinstance(holder, dict):
            holder[f'{key}_'] = holder.pop(key)
        case 'rename':
            holder.insert(draw(st.integers(0, len(holder))), copy.deepcopy(node))
        case _:
            del holder[key]


@st.composite
def damaged_array(draw, array: np.ndarray) -> np.ndarray:
    """Another type, shape, order or content."""
    match draw(st.sampled_from(['type', 'shape', 'content', 'content', 'order'])):
        case 'type':
            kinds = ['f2', 'f4', '>f8', 'i1', 'u8', 'c8', '?', 'S3', 'U40', 'V4', 'M8[s]']
            kind = np.dtype(draw(st.sampled_from(kinds)))
            content = (array.tobytes() or b'1') * kind.itemsize
            return np.frombuffer(content[: array.size * kind.itemsize], kind).reshape(array.shape)
        case 'shape':
            changes = [array[None], array.ravel(), array[..., None], array[:0] if array.ndim else array.reshape(1, 1)]
            changes += [array.T, array[1:], np.concatenate([array, array[:1]])] if array.ndim else []
            changes += [array[..., :-1]] if array.ndim > 1 else []
            return draw(st.sampled_from(changes))
        case 'content' if array.dtype.kind in 'fiu' and array.size:
            numbers = [number for number in _NUMBERS if array.dtype.kind == 'f' or number in (0, -1, 1, 10**6)]
            array = array.astype(array.dtype if array.dtype.kind == 'f' else int)
            array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from(numbers))
            return array * draw(st.sampled_from([1, 1, 1, -1, 1000]))
        case 'content' if array.dtype.kind == 'U' and array.size:
            array = array.astype('U80')
            array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from(['', 'a', '../../a', 'é' * 80]))
            return array
        case _:
            return np.asfortranarray(array).astype(array.dtype.newbyteorder('>'))


@pytest.fixture(scope='session')
def limits():
    return bounded
