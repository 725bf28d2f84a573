import pytest
from benchmarks.setup import check_videopose3d

from depth_refine.utils.errors import InputError


def test_peer_is_loaded_by_path(setup_with_peer):
    assert setup_with_peer.peer('model').TemporalModel(17, 3, 17, [3] * 5, channels=8).layers[0].out_features == 8


def test_a_folder_that_is_no_checkout(tmp_path):
    (tmp_path / 'common').mkdir()
    (tmp_path / 'common' / 'model.py').write_text('')
    with pytest.raises(InputError, match=f'no {tmp_path}/common/generators.py: --videopose3d expects a checkout'):
        check_videopose3d(tmp_path)
