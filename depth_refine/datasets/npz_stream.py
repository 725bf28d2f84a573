"""Arrays of an npz file, read a chunk of rows at a time.

``numpy.load`` reads a whole array in the type of the file. Human3.6M's annotation takes 2 GB that way; what is needed
of it takes half a GB.
"""

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

CHUNK_BYTES = 1 << 20  # fits a core's cache
MAX_COMPRESSION = 1032  # deflate cannot do better
_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class ArrayHeader(NamedTuple):
    """Shape, order and type of an array in an npz file."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype


class NpzStream:
    """An npz file, compressed or not, whose arrays are read chunk by chunk.

    A damaged file can raise almost anything, here and in the methods: ``ValueError``, ``EOFError``, and what
    :mod:`zipfile`, :mod:`zlib` and NumPy raise.

    Args:
        path: the npz file.

    Attributes:
        keys: names of the arrays.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with zipfile.ZipFile(self.path) as archive:
            self.keys = [name.removesuffix('.npy') for name in archive.namelist()]

    def header(self, key: str) -> ArrayHeader:
        """Read shape, order and type of the array ``key``, and check that the file is large enough for it.

        Raises:
            ValueError: the file is too small, or the array would have to be unpickled.
        """
        with zipfile.ZipFile(self.path) as archive, archive.open(f'{key}.npy') as file:
            header = _read_header(file)
            there = archive.getinfo(f'{key}.npy').file_size - file.tell()
        claimed = math.prod(header.shape) * header.dtype.itemsize
        if header.dtype.hasobject:
            raise ValueError(f'{key!r} holds Python objects, which are not unpickled')
        if claimed != there or claimed > MAX_COMPRESSION * self.path.stat().st_size:
            raise ValueError(f'{key!r} claims {claimed} bytes, which the file does not hold')
        return header

    def chunks(self, key: str) -> Iterator[tuple[slice, np.ndarray]]:
        """Read the array ``key`` in chunks, from its first row to its last.

        An array in Fortran order, whose rows are not contiguous, comes as one chunk.

        Yields:
            The rows and their values, in the type of the file; the next chunk overwrites them.
        """
        shape, fortran_order, dtype = self.header(key)
        row_bytes = math.prod(shape[1:]) * dtype.itemsize
        step = shape[0] if fortran_order else max(CHUNK_BYTES // max(row_bytes, 1), 1)
        buffer = np.empty(min(step, shape[0]) * row_bytes, np.uint8)
        with zipfile.ZipFile(self.path) as archive, archive.open(f'{key}.npy') as file:
            _read_header(file)
            for start in range(0, shape[0], step):
                rows = slice(start, min(start + step, shape[0]))
                count = rows.stop - rows.start
                values = buffer[: count * row_bytes]
                if file.readinto(values.data) != values.size:
                    raise EOFError(f'{key!r} ends before its last row')
                values = values.view(dtype)
                if fortran_order:
                    yield rows, values.reshape(shape[::-1]).T
                else:
                    yield rows, values.reshape(count, *shape[1:])


def load_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of an npz file, after checking all headers.

    ``numpy.load`` would allocate what a header claims before it finds that the file is shorter.

    Args:
        path: the npz file.

    Raises:
        Exception: almost any, see :class:`NpzStream`.
    """
    npz = NpzStream(path)
    for key in npz.keys:
        npz.header(key)
    with np.load(path) as archive:
        return {key: archive[key] for key in npz.keys}


def _read_header(file: BinaryIO) -> ArrayHeader:
    """Read the start of an npy file."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADER_READERS:
        raise ValueError(f'version {version} of the npy format is not known')
    return ArrayHeader(*_HEADER_READERS[version](file))
