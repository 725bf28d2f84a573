import tracemalloc
import zipfile

import numpy as np
import pytest

from depth_refine.datasets import npz_stream
from depth_refine.datasets.npz_stream import NpzStream, load_arrays


def random_array(rng):
    shape = (int(rng.integers(0, 40)), *rng.integers(1, 5, rng.integers(0, 3)))
    kind = rng.choice(['<f8', '<f4', '>f8', '<i2', '<U7', '>U3', 'S5'])
    array = np.asarray(rng.integers(0, 1000, shape) / 8 if 'f' in kind else rng.integers(0, 1000, shape)).astype(kind)
    return np.asfortranarray(array) if rng.random() < 0.3 else array


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
@pytest.mark.parametrize('seed', range(10))
def test_same_as_numpy_load(tmp_path, monkeypatch, save, seed):
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(npz_stream, 'CHUNK_BYTES', int(rng.integers(1, 300)))
    arrays = {f'key_{i}': random_array(rng) for i in range(8)}
    save(tmp_path / 'arrays.npz', **arrays)
    npz = NpzStream(tmp_path / 'arrays.npz')
    assert npz.keys == list(arrays)
    with np.load(tmp_path / 'arrays.npz') as expected:
        for key in arrays:
            header = npz.header(key)
            assert (header.shape, header.dtype) == (expected[key].shape, expected[key].dtype)
            got = np.empty(header.shape, header.dtype)
            for rows, chunk in npz.chunks(key):
                got[rows] = chunk
            np.testing.assert_array_equal(got, expected[key])
            np.testing.assert_array_equal(load_arrays(tmp_path / 'arrays.npz')[key], expected[key])


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'\x93NUMPY\x09\x00' + bytes(100), r'version \(9, 0\) of the npy format is not known'),
        (np.array([None, 1]), "'a' holds Python objects, which are not unpickled"),
    ],
)
def test_what_is_not_read(tmp_path, content, message):
    np.savez(tmp_path / 'arrays.npz', a=content)
    if isinstance(content, bytes):
        with zipfile.ZipFile(tmp_path / 'arrays.npz', 'w') as archive:
            archive.writestr('a.npy', content)
    with pytest.raises(ValueError, match=message):
        NpzStream(tmp_path / 'arrays.npz').header('a')


@pytest.mark.parametrize('read', [lambda path: list(NpzStream(path).chunks('a')), load_arrays])
@pytest.mark.parametrize(
    ('shape', 'compression', 'claimed_size'),
    [
        (100_000_000, zipfile.ZIP_STORED, None),
        (100_000_000, zipfile.ZIP_STORED, 800_000_128),
        (100_000_000, zipfile.ZIP_DEFLATED, 800_000_128),
        (99, zipfile.ZIP_STORED, None),  # a row is left over
    ],
)
def test_claims_are_checked_before_memory_is_taken(tmp_path, read, shape, compression, claimed_size):
    path = tmp_path / 'arrays.npz'
    with zipfile.ZipFile(path, 'w', compression) as archive, archive.open('a.npy', 'w') as file:
        np.lib.format.write_array_header_1_0(file, dict(descr='<f8', fortran_order=False, shape=(shape,)))
        file.write(bytes(800))
    if claimed_size is not None:  # where the archive's directory keeps the size of its only member
        content = bytearray(path.read_bytes())
        at = content.index(b'PK\x01\x02') + 24
        content[at : at + 4] = claimed_size.to_bytes(4, 'little')
        path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"'a' claims {8 * shape} bytes, which the file does not hold"):
        read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
