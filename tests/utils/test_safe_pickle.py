import io
import pickle
import tracemalloc

import numpy as np
import pytest

from depth_refine.utils.safe_pickle import PlainUnpickler


@pytest.mark.parametrize('protocol', range(6))
def test_plain_content_survives(protocol):
    content = {
        ('S1', '5'): dict(R=np.arange(6.0).reshape(2, 3), w=np.int64(3), name='a'),
        'b': [1, (2.5, None), b'x'],
    }
    loaded = PlainUnpickler(io.BytesIO(pickle.dumps(content, protocol))).load()
    np.testing.assert_array_equal(loaded['S1', '5'].pop('R'), content['S1', '5'].pop('R'))
    assert loaded == content


@pytest.mark.parametrize(
    'claim',
    [
        pytest.param(b'\x8e' + (10**9).to_bytes(8, 'little'), id='bytes'),
        pytest.param(b'\x8d' + (10**9).to_bytes(8, 'little'), id='text'),
        pytest.param(b'\x96' + (10**9).to_bytes(8, 'little'), id='bytearray'),
        pytest.param(b'\x8b' + (10**9).to_bytes(4, 'little'), id='number'),
        pytest.param(b'Nr' + (10**8).to_bytes(4, 'little'), id='memo'),
        pytest.param(b'Np100000000\n', id='memo in text'),
    ],
)
def test_claims_cost_nothing(claim):
    """Python's unpickler makes room for all that is claimed."""
    tracemalloc.start()
    with pytest.raises((ValueError, pickle.UnpicklingError)):
        PlainUnpickler(io.BytesIO(b'\x80\x04' + claim + b'.')).load()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_what_is_shared_stays_shared():
    """60 lists, each of which holds the one before twice: 2^60 of the innermost."""
    array = np.arange(3)
    content = [array]
    for _ in range(60):
        content = [content, content]
    content.append(content)
    loaded = PlainUnpickler(io.BytesIO(pickle.dumps(content))).load()
    assert loaded[0] is loaded[1] and loaded[2] is loaded
    for _ in range(60):
        loaded = loaded[0]
    np.testing.assert_array_equal(loaded[0], array)
