import pickle

import numpy as np
import pytest

from depth_refine.datasets import load_cameras
from depth_refine.utils.errors import InputError

CAMERA = dict(R=np.eye(3), T=np.zeros((3, 1)), f=np.full((2, 1), 70.0), c=np.array([[32], [24.0]]), k=np.zeros((3, 1)))
KEY = 'S1', '54138969'
CAMERA |= dict(p=np.zeros((2, 1)), w=64, h=48)


def load(path, content):
    path.write_bytes(pickle.dumps(content))
    return load_cameras(path)


def test_a_camera_is_read_as_it_is_and_a_list_is_refused(tmp_path):
    ((key, camera),) = load(tmp_path / 'cameras.pkl', {KEY: CAMERA | dict(name='x')}).items()
    assert key == KEY and camera['name'] == 'x' and camera['w'] == 64
    np.testing.assert_array_equal(camera['R'], np.eye(3))
    with pytest.raises(InputError, match=r'expected a dict of \(subject, camera\) or camera to camera dicts, got list'):
        load(tmp_path / 'cameras.pkl', [1, 2])


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(R=np.eye(3) * 2), r"'R' of camera \('S1', '54138969'\) is not a rotation"),
        (dict(R=np.diag([1.0, 1, -1])), "'R' .* is not a rotation"),
        (dict(T=np.full((3, 1), np.inf)), r"needs 'T' of shape \(3, 1\), 3 finite numbers"),
        (dict(T=np.full((3, 1), 1e5)), "'T' .* expected at most 100 metres from the world's origin; looks like millim"),
        (dict(f=np.array([[1.0], [-1.0]])), "'f', 'w' and 'h' of camera .* must be above 0"),
        (dict(f=np.ones((2, 1))), "'f' of camera .* pixels; looks like millimetres or image widths"),
        (
            dict(t=np.zeros(3), dist=np.zeros(5)),
            r"has \['dist', 't'\], which are not read: expected \['w', 'h', 'f', 'c'",
        ),
        (dict(c=np.full((2, 1), 0.5)), "'c' of camera .* reaches 0.5, .* pixels; looks like normalised coordinates"),
        (dict(w=48, h=64), r"'w' and 'h' of camera .*, 48 and 64 px, are exchanged: .* \[32.0, 24.0\], .* 64 x 48 px"),
        (dict(p=np.full((2, 1), 0.3)), "the distortion 'k' and 'p' of camera .* has 0.3 as P1 or P2, .* in the order"),
        (
            dict(k=np.array([[-2.0], [0], [0]])),
            "the distortion 'k' and 'p' of camera .* folds over 19 px from the prin",
        ),
        (dict(k=[[0], [0, 1], [0]]), r"needs 'k' of shape \(3, 1\), 3 finite numbers"),
        (dict(k=np.zeros(5)), r"3 finite numbers; of OpenCV's k1 k2 p1 p2 k3, 'k' has k1 k2 k3 and 'p' has p1 p2"),
        (7, 'expected a dict as camera .*, got int'),
        (load_cameras, r'not a pickle of plain camera dictionaries \(refused to load .*load_cameras\)'),
    ],
)
def test_what_is_no_camera(tmp_path, changes, message):
    with pytest.raises(InputError, match=rf'cameras\.pkl.*{message}'):
        load(tmp_path / 'cameras.pkl', {KEY: CAMERA | changes if isinstance(changes, dict) else changes})
