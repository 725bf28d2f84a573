"""Unpickling without running code: stand-ins make plain values where a pickle asks for NumPy's classes.

Allowing NumPy's own names would not be safe: ``dtype`` takes its flags from the file, which can declare bytes to be
pointers. Each stand-in makes one kind of plain value; :func:`resolve` then replaces stand-ins by their values.
"""

import io
import pickle
import pickletools
import re
from typing import Any, BinaryIO

import numpy as np


class StandIn:
    """Placeholder for an object in a pickle, which :func:`resolve` replaces by its ``value``."""

    value: Any


class _Dtype(StandIn):
    """Stand-in for ``numpy.dtype``: booleans, numbers and text of a fixed size."""

    def __init__(self, code: str, align: bool = False, copy: bool = False) -> None:
        if not re.fullmatch(r'b1|[iufc]\d+|[SU]\d+', code):
            raise pickle.UnpicklingError(f'GLOBAL numpy.dtype({code!r})')
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        # Of (version, byte order, fields, ..., flags), the code above leaves only the byte order open.
        self.value = self.value.newbyteorder(state[1])


class _Array(StandIn):
    """Stand-in for ``numpy.ndarray`` and for ``_reconstruct``, which makes an array before its state is set."""

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran_order, data = state
        array = np.frombuffer(data, dtype.value).reshape(shape, order='F' if fortran_order else 'C')
        self.value = array.astype(dtype.value.newbyteorder('='))


def _scalar(dtype: _Dtype, data: bytes) -> np.generic:
    """Stand-in for numpy's function of that name."""
    return np.frombuffer(data, dtype.value)[0]


def _frombuffer(data: bytes, dtype: _Dtype, shape: tuple, order: str) -> _Array:
    """Stand-in for numpy's function of that name, an array in pickle protocol 5."""
    array = _Array()
    array.__setstate__((1, shape, dtype, order == 'F', data))
    return array


def _empty_bytes() -> bytes:
    """Stand-in for ``bytes``, which pickles call for an empty array's data and without arguments only."""
    return b''


def _encode(text: str, encoding: str) -> bytes:
    """Stand-in for ``_codecs.encode``, which pickles before protocol 3 call for bytes."""
    return text.encode('latin1')


# numpy 2 and numpy 1 name the same functions differently.
STAND_INS: dict[str, Any] = {
    'builtins.bytes': _empty_bytes,
    '__builtin__.bytes': _empty_bytes,
    'numpy.dtype': _Dtype,
    'numpy.ndarray': _Array,
    **{f'numpy.{core}.multiarray._reconstruct': _Array for core in ('core', '_core')},
    **{f'numpy.{core}.multiarray.scalar': _scalar for core in ('core', '_core')},
    **{f'numpy.{core}.numeric._frombuffer': _frombuffer for core in ('core', '_core')},
}


def resolve(value: Any, done: dict[int, tuple] | None = None) -> Any:
    """Replace the stand-ins in a loaded object by their values; dicts and lists are changed in place.

    Each container is resolved once, since a short pickle can hold one in exponentially many places. ``done`` maps the
    id of a container to the container and its result; an id is unique while its container is kept.
    """
    done = {} if done is None else done
    if isinstance(value, StandIn):
        return value.value
    if id(value) in done:
        return done[id(value)][1]
    if isinstance(value, dict):
        done[id(value)] = value, value
        for key, item in dict.items(value):
            dict.__setitem__(value, key, resolve(item, done))
    elif isinstance(value, list):
        done[id(value)] = value, value
        value[:] = [resolve(item, done) for item in value]
    elif type(value) is tuple:
        done[id(value)] = value, tuple(resolve(item, done) for item in value)
        return done[id(value)][1]
    return value


def _check_claims(content: bytes) -> None:
    """Refuse lengths beyond the content, and memo slots beyond the number of instructions.

    Python's unpickler allocates both before it checks them.
    """
    for number, (opcode, argument, _) in enumerate(pickletools.genops(content)):  # raises where lengths are too large
        if opcode.name.endswith('PUT') and argument > number:
            raise pickle.UnpicklingError(f'{opcode.name} {argument} as instruction {number}')


class PlainUnpickler(pickle.Unpickler):
    """Unpickler of plain containers, numbers, text and NumPy arrays of these.

    Args:
        file: a binary file, which is read to its end.

    Raises:
        pickle.UnpicklingError, ValueError: the pickle claims more than it holds, or asks for anything else. Damaged
        bytes can raise other exceptions too.
    """

    def __init__(self, file: BinaryIO) -> None:
        content = file.read()
        _check_claims(content)
        super().__init__(io.BytesIO(content))

    def load(self) -> Any:
        """The pickle's content."""
        return resolve(super().load())

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name, never the named object itself."""
        if (module, name) == ('_codecs', 'encode'):
            return _encode
        try:
            return STAND_INS[f'{module}.{name}']
        except KeyError:
            raise pickle.UnpicklingError(f'refused to load {module}.{name}') from None
