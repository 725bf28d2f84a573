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
            position = 0
            for rows, chunk in npz.chunks(key):
                assert rows.start == position
                position = rows.stop
                got[rows] = chunk
            assert position == len(got)
            np.testing.assert_array_equal(got, expected[key])


def test_chunks_are_small_and_share_a_buffer(tmp_path, monkeypatch):
    monkeypatch.setattr(npz_stream, 'CHUNK_BYTES', 100)
    np.savez(tmp_path / 'arrays.npz', a=np.arange(33.0).reshape(11, 3))
    chunks = list(NpzStream(tmp_path / 'arrays.npz').chunks('a'))
    assert [rows for rows, _ in chunks] == [slice(0, 4), slice(4, 8), slice(8, 11)]
    assert np.shares_memory(chunks[0][1], chunks[2][1])


def test_objects_are_not_unpickled(tmp_path):
    np.savez(tmp_path / 'arrays.npz', a=np.array([None, 1]))
    with pytest.raises(ValueError, match="'a' holds Python objects, which are not unpickled"):
        NpzStream(tmp_path / 'arrays.npz').header('a')


def test_version_that_is_not_known(tmp_path):
    with zipfile.ZipFile(tmp_path / 'arrays.npz', 'w') as archive:
        archive.writestr('a.npy', b'\x93NUMPY\x09\x00' + b'\0' * 100)
    with pytest.raises(ValueError, match=r'version \(9, 0\) of the npy format is not known'):
        NpzStream(tmp_path / 'arrays.npz').header('a')


def write_claim(path, shape, compression, claimed_size=None):
    """An npz whose array says it has ``shape``, with 800 bytes of data."""
    with zipfile.ZipFile(path, 'w', compression) as archive, archive.open('a.npy', 'w') as file:
        np.lib.format.write_array_header_1_0(file, dict(descr='<f8', fortran_order=False, shape=shape))
        file.write(bytes(800))
    if claimed_size is not None:  # where the archive's directory keeps the size of its only member
        content = bytearray(path.read_bytes())
        at = content.index(b'PK\x01\x02') + 24
        content[at : at + 4] = claimed_size.to_bytes(4, 'little')
        path.write_bytes(content)


@pytest.mark.parametrize('read', [lambda path: list(NpzStream(path).chunks('a')), load_arrays])
@pytest.mark.parametrize(
    ('shape', 'compression', 'claimed_size'),
    [
        (100_000_000, zipfile.ZIP_STORED, None),
        (100_000_000, zipfile.ZIP_STORED, 800_000_128),
        (100_000_000, zipfile.ZIP_DEFLATED, None),
        (100_000_000, zipfile.ZIP_DEFLATED, 800_000_128),
        (99, zipfile.ZIP_STORED, None),  # a row is left over
    ],
)
def test_claims_are_checked_before_memory_is_taken(tmp_path, read, shape, compression, claimed_size):
    write_claim(tmp_path / 'arrays.npz', (shape,), compression, claimed_size)
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"'a' claims {8 * shape} bytes, which the file does not hold"):
        read(tmp_path / 'arrays.npz')
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_damaged_bytes(tmp_path, monkeypatch, save):
    monkeypatch.setattr(npz_stream, 'CHUNK_BYTES', 64)
    path = tmp_path / 'arrays.npz'
    save(path, a=np.random.default_rng(0).random((50, 3)))
    content = bytearray(path.read_bytes())
    content[700] ^= 1
    path.write_bytes(content)
    with pytest.raises((zipfile.BadZipFile, zipfile.zlib.error), match=r'CRC-32|while decompressing'):
        list(NpzStream(path).chunks('a'))


def test_arrays_are_loaded_whole(tmp_path):
    arrays = dict(a=np.arange(7.0), b=np.asfortranarray(np.ones((3, 2))), c=np.array('x'))
    np.savez_compressed(tmp_path / 'arrays.npz', **arrays)
    loaded = load_arrays(tmp_path / 'arrays.npz')
    assert loaded.keys() == arrays.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(loaded[key], array)
