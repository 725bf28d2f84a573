"""VideoPose3D's archives, which are pickles."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from depth_refine.data_tools.preparation.videopose3d_archive import read_detections, read_poses
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import JOINTS_OF_32

METADATA = dict(layout_name='h36m', num_joints=17, keypoints_symmetry=[[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]])
RNG = np.random.default_rng(0)
POSES = dict(S1={'Eating': RNG.normal(size=(3, 32, 3)).astype('f4')}, S9={'Walking 1': RNG.normal(size=(2, 17, 3))})
DETECTIONS = dict(S1={'Eating': [RNG.uniform(0, 1000, (3, 17, 2)).astype('f4') for _ in range(4)]})


def archive(objects):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{key: np.array(value, dtype=object) for key, value in objects.items()})
    return buffer.getvalue()


def check_poses(content, poses):
    tree = content['positions_3d']
    assert poses.keys() == {(subject, action) for subject, actions in tree.items() for action in actions}
    for (subject, action), positions in poses.items():
        expected = tree[subject][action]
        np.testing.assert_array_equal(positions, expected[:, JOINTS_OF_32] if expected.shape[1] == 32 else expected)
        assert np.isfinite(positions).all()


def check_detections(content, detections):
    tree = content['positions_2d']
    assert detections.keys() == {(subject, action) for subject, actions in tree.items() for action in actions}
    for (subject, action), cameras in detections.items():
        assert len(cameras) == 4
        for got, expected in zip(cameras, tree[subject][action], strict=True):
            np.testing.assert_array_equal(got, expected)


@pytest.fixture
def npy():
    """The npy header and the pickle of poses."""
    with zipfile.ZipFile(io.BytesIO(archive(dict(positions_3d=POSES)))) as file:
        return file.read('positions_3d.npy')


def zipped(npy):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        file.writestr('positions_3d.npy', npy)
    return buffer.getvalue()


def test_poses(fuzz, tmp_path):
    path, content = tmp_path / 'data_3d_h36m.npz', dict(positions_3d=POSES)
    fuzz.tree(path, content, archive, read_poses, check_poses)
    fuzz.bytes(path, archive(content), read_poses, lambda _, poses: check_poses(content, poses))  # it has a checksum


def test_pickle(fuzz, tmp_path, npy):
    """Without a checksum, as far as can be seen, these are poses."""

    def judge(_, poses):
        for positions in poses.values():
            assert positions.ndim == 3 and positions.shape[1:] == (17, 3) and np.isfinite(positions).all()

    fuzz.bytes(tmp_path / 'data_3d_h36m.npz', npy, read_poses, judge, zipped)


def test_detections(fuzz, tmp_path):
    content = dict(positions_2d=DETECTIONS, metadata=METADATA)
    fuzz.tree(tmp_path / 'data_2d_h36m_x.npz', content, archive, read_detections, check_detections)


@pytest.mark.parametrize(
    'claim', [b'\x8e' + (10**10).to_bytes(8, 'little'), b'\x96' + (10**10).to_bytes(8, 'little'), b'Nr\0\0\0\x7f']
)
def test_pickles_that_claim_much(limits, tmp_path, npy, claim):
    """Lengths and memo slots of gigabytes in files of bytes."""
    header = npy[: npy.index(b'\n') + 1]
    (tmp_path / 'data_3d_h36m.npz').write_bytes(zipped(header + b'\x80\x04' + claim + b'.'))
    with limits(), pytest.raises(InputError, match=r'data_3d_h36m\.npz is not a readable archive') as caught:
        read_poses(tmp_path / 'data_3d_h36m.npz')
    assert not isinstance(caught.value.__cause__, MemoryError)
    pickle.loads(b'\x80\x04N.')  # the same without a claim is a pickle
