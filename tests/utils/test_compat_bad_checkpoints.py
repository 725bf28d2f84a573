import io
import pickle
import tracemalloc

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from pickled_call import Call

from depth_refine.utils import compat
from depth_refine.utils.errors import InputError


def payload(marker):
    """An object that would write ``marker`` when unpickled, from names that checkpoints may ask for."""
    namespace = Call(getattr, Call(getattr, HistoryBuffer, 'mean'), '__globals__')
    builtins = Call(Call(getattr, namespace, 'get'), '__builtins__')
    return Call(Call(Call(getattr, builtins, 'get'), 'eval'), f'open({str(marker)!r}, "w").close()')


@pytest.mark.parametrize('zipped', [True, False])
def test_code_in_a_checkpoint_is_refused_and_does_not_run(tmp_path, zipped):
    path, marker = tmp_path / 'stranger.pth', tmp_path / 'marker'
    content = dict(state_dict=dict(weight=torch.ones(2)), meta=payload(marker))
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r'stranger.pth was refused: loading it would run builtins\.getattr,'):
        CheckpointLoader.load_checkpoint(str(path))
    assert not marker.exists()
    pickle.loads(pickle.dumps(payload(marker), protocol=2))
    assert marker.exists(), 'it would have worked'


@pytest.mark.parametrize('scheme', ['https://example.org/', 'torchvision://'])
def test_downloads_are_as_safe(tmp_path, monkeypatch, scheme):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))  # where PyTorch keeps files it has downloaded before
    monkeypatch.setattr('mmengine.runner.checkpoint.get_torchvision_models', lambda: {'x.pth': 'https://x.org/x.pth'})
    cached = tmp_path / 'hub' / 'checkpoints' / 'x.pth'
    cached.parent.mkdir(parents=True)

    torch.save(dict(weight=torch.ones(2), meta=np.arange(2)), cached)
    np.testing.assert_array_equal(CheckpointLoader.load_checkpoint(f'{scheme}x.pth')['meta'], np.arange(2))

    marker = tmp_path / 'marker'
    torch.save(dict(weight=torch.ones(2), meta=payload(marker)), cached)
    with pytest.raises(InputError, match=r'x\.pth was refused: loading it would run builtins\.getattr,'):
        CheckpointLoader.load_checkpoint(f'{scheme}x.pth')
    assert not marker.exists()


def test_a_file_cannot_set_the_flags_of_a_data_type(tmp_path):
    forged = Call(np.dtype, 'f8', False, True)
    forged.call += ((3, '|', None, None, None, -1, -1, 63),)
    torch.save(dict(weight=torch.ones(2), forged=forged), tmp_path / 'stranger.pth')
    assert compat.load_from_file(str(tmp_path / 'stranger.pth'))['forged'].flags == 0


class Allowed:
    pass


def test_what_the_user_allows_is_kept(tmp_path):
    torch.save(dict(weight=torch.ones(2), mine=Allowed(), array=np.arange(2)), tmp_path / 'mine.pth')
    with pytest.raises(InputError, match=r'would run \S+Allowed, .*add_safe_globals'):
        compat.load_from_file(str(tmp_path / 'mine.pth'))
    with torch.serialization.safe_globals([Allowed, np.dtype, np.ndarray, np._core.multiarray._reconstruct]):
        before = set(torch.serialization.get_safe_globals())
        checkpoint = compat.load_from_file(str(tmp_path / 'mine.pth'))
        assert set(torch.serialization.get_safe_globals()) == before
    assert isinstance(checkpoint['mine'], Allowed)
    np.testing.assert_array_equal(checkpoint['array'], np.arange(2))


@pytest.mark.parametrize('path', ['missing.pth', '.'])
def test_missing_file(path):
    with pytest.raises(InputError, match=rf'^{path}: no such checkpoint file\. Check the path'):
        CheckpointLoader.load_checkpoint(path)


@pytest.mark.parametrize('zipped', [True, False])
@pytest.mark.parametrize('part', [slice(0), slice(20), slice(-20), slice(500, None)])
def test_truncated_file(tmp_path, zipped, part):
    """At its end or, after which the directory of a zip file points before it, at its beginning."""
    path = tmp_path / 'cut.pth'
    torch.save(dict(state_dict=dict(weight=torch.rand(50, 7))), path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[part])
    with pytest.raises(InputError, match=r'cut\.pth cannot be read as a checkpoint \(.*cut short') as caught:
        compat.load_from_file(str(path))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('content', [torch.ones(2), [1, 2], {}, {'a': 1}, {'state_dict': {}}, {'state_dict': 3}])
def test_other_saved_objects(tmp_path, content):
    torch.save(content, tmp_path / 'other.pth')
    with pytest.raises(InputError, match=rf'other\.pth is not a checkpoint: .* got {type(content).__name__}\.'):
        compat.load_from_file(str(tmp_path / 'other.pth'))


@pytest.mark.parametrize('zipped', [True, False])
def test_lengths_that_a_checkpoint_claims_cost_nothing(tmp_path, zipped):
    buffer = io.BytesIO()
    torch.save(dict(weight=torch.ones(2), text='a' * 70_000), buffer, _use_new_zipfile_serialization=zipped)
    length = (70_000).to_bytes(4, 'little')
    assert buffer.getvalue().count(length) == 1
    (tmp_path / 'a.pth').write_bytes(buffer.getvalue().replace(length, (10**9).to_bytes(4, 'little')))
    tracemalloc.start()
    with pytest.raises(InputError, match=r'a\.pth cannot be read as a checkpoint'):
        compat.load_from_file(str(tmp_path / 'a.pth'))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
