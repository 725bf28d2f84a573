"""VideoPose3D's archives, which are pickles."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from depth_refine.data_tools.preparation.videopose3d_archive import read_detections, read_poses
from depth_refine.utils.h36m_facts import JOINTS_OF_32

METADATA = dict(layout_name='h36m', num_joints=17, keypoints_symmetry=[[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]])
RNG = np.random.default_rng(0)
POSES = dict(S1={'Eating': RNG.normal(size=(3, 32, 3)).astype('f4')}, S9={'Walking 1': RNG.normal(size=(2, 17, 3))})
DETECTIONS = dict(S1={'Eating': [RNG.uniform(0, 1000, (3, 17, 2)).astype('f4') for _ in range(4)]})


def archive(**objects):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{key: np.array(value, dtype=object) for key, value in objects.items()})
    return buffer.getvalue()


def check_poses(tree, poses):
    assert poses.keys() == {(subject, action) for subject, actions in tree.items() for action in actions}
    for (subject, action), positions in poses.items():
        expected = tree[subject][action]
        expected = expected[:, JOINTS_OF_32] if expected.shape[1] == 32 else expected
        np.testing.assert_array_equal(positions, expected)
        assert np.isfinite(positions).all()


def check_detections(tree, detections):
    assert detections.keys() == {(subject, action) for subject, actions in tree.items() for action in actions}
    for (subject, action), cameras in detections.items():
        assert len(cameras) == 4
        for got, expected in zip(cameras, tree[subject][action], strict=True):
            np.testing.assert_array_equal(got, expected)


def pickle_only(content, member):
    """The npy header and the pickle of a member."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return file.read(f'{member}.npy')


@pytest.mark.parametrize('inside', [False, True], ids=['zip', 'pickle'])
def test_archive_bytes(fuzz, damaged, tmp_path, inside):
    path, content = tmp_path / 'data_3d_h36m.npz', archive(positions_3d=POSES)

    def write(case):
        if inside:
            with zipfile.ZipFile(path, 'w') as file:
                file.writestr('positions_3d.npy', case)
        else:
            path.write_bytes(case)

    def judge(_, poses):
        """A zip file has a checksum; without it, as far as can be seen, these are poses."""
        if inside:
            for positions in poses.values():
                assert positions.ndim == 3 and positions.shape[1:] == (17, 3) and np.isfinite(positions).all()
        else:
            check_poses(POSES, poses)

    cases = damaged.bytes(pickle_only(content, 'positions_3d') if inside else content)
    fuzz(cases, write, lambda: read_poses(path), judge, names=path)


def test_poses(fuzz, damaged, tmp_path):
    path = tmp_path / 'data_3d_h36m.npz'
    fuzz(
        damaged.tree(POSES),
        lambda case: path.write_bytes(archive(positions_3d=case)),
        lambda: read_poses(path),
        check_poses,
        names=path,
    )


def test_detections(fuzz, damaged, tmp_path):
    path = tmp_path / 'data_2d_h36m_x.npz'
    fuzz(
        damaged.tree(dict(positions_2d=DETECTIONS, metadata=METADATA)),
        lambda case: path.write_bytes(archive(**case)),
        lambda: read_detections(path),
        lambda case, detections: check_detections(case['positions_2d'], detections),
        names=path,
    )


def test_pickles_that_claim_much(limits, tmp_path):
    """Lengths and memo slots of gigabytes in files of bytes."""
    for claim in (b'\x8e' + (10**10).to_bytes(8, 'little'), b'\x96' + (10**10).to_bytes(8, 'little'), b'Nr\0\0\0\x7f'):
        path = tmp_path / 'data_3d_h36m.npz'
        header = pickle_only(archive(positions_3d=POSES), 'positions_3d')
        header = header[: header.index(b'\n') + 1]
        with zipfile.ZipFile(path, 'w') as file:
            file.writestr('positions_3d.npy', header + b'\x80\x04' + claim + b'.')
        with limits(), pytest.raises(ValueError, match=r'data_3d_h36m\.npz is not a readable archive') as caught:
            read_poses(path)
        assert not isinstance(caught.value.__cause__, MemoryError)
    pickle.loads(b'\x80\x04N.')  # the same without a claim is a pickle
