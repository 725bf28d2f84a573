import pickle
import zipfile

import numpy as np
import pytest
from pickled_call import Call

from depth_refine.data_tools.preparation.videopose3d_archive import read_detections, read_poses
from depth_refine.utils.errors import InputError

GOOD = np.ones((5, 17, 2), np.float32) * 9


@pytest.mark.parametrize(
    ('read', 'value', 'changes', 'message'),
    [
        (read_detections, None, dict(layout_name='coco'), "layout_name 'h36m' in 'metadata', got 'coco'"),
        (read_detections, None, dict(keypoints_symmetry=[[1, 2, 3], [4, 5, 6]]), 'keypoints_symmetry'),
        (read_detections, [GOOD] * 3, {}, "expected S1 'Eating' to be a list of 4 arrays"),
        (read_detections, [GOOD, GOOD[:, 1:], GOOD, GOOD], {}, r"'Eating', camera 2 of 4 of shape .*got \(5, 16, 2\)"),
        (read_detections, [GOOD, GOOD / 9, GOOD, GOOD], {}, "pixels, but the coordinates of S1 'Eating', camera 2 of"),
        (read_detections, [GOOD * np.nan] * 4, {}, "expected finite floating-point numbers in S1 'Eating', camera 1"),
        (read_poses, np.zeros((5, 16, 3), 'f4'), {}, r"'Eating' of shape \(T, 32, 3\) or \(T, 17, 3\), got \(5, 16, 3"),
        (read_poses, np.zeros((0, 17, 3), 'f4'), {}, r'got \(0, 17, 3\)'),
        (read_poses, np.full((5, 17, 3), np.inf, 'f4'), {}, "expected finite floating-point numbers in S1 'Eating'"),
        (read_poses, [[['a']]], {}, r'got \(1, 1, 1\)'),
    ],
)
def test_wrong_content(save_archive, tmp_path, read, value, changes, message):
    key = 'positions_3d' if read is read_poses else 'positions_2d'
    save_archive(tmp_path / 'a.npz', key, {} if value is None else {('S1', 'Eating'): value}, **changes)
    with pytest.raises(InputError, match=message):
        read(tmp_path / 'a.npz')


@pytest.mark.parametrize('protocol', [2, 4, 5])
def test_pickles_of_every_numpy(tmp_path, protocol):
    joints = np.random.default_rng(0).normal(size=(11, 17, 3)).astype(np.float32)
    content = np.array({'S1': {'WalkDog': joints}})
    with zipfile.ZipFile(tmp_path / 'a.npz', 'w') as archive, archive.open('positions_3d.npy', 'w') as file:
        np.lib.format.write_array_header_1_0(file, dict(descr='|O', fortran_order=False, shape=()))
        file.write(pickle.dumps(content, protocol=protocol))
    poses = read_poses(tmp_path / 'a.npz')
    np.testing.assert_array_equal(poses['S1', 'WalkDog'], joints)


def test_true_poses_of_videopose3d(tmp_path):
    """VideoPose3D's own archive of them names no layout, and has a numpy number of joints."""
    symmetry = [list(np.array(side)) for side in ([4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16])]
    metadata = dict(num_joints=17, keypoints_symmetry=symmetry)
    np.savez(tmp_path / 'a.npz', positions_2d=dict(S1=dict(Eating=[GOOD] * 4)), metadata=metadata)
    assert len(read_detections(tmp_path / 'a.npz')['S1', 'Eating']) == 4
    np.savez(tmp_path / 'a.npz', positions_2d={}, metadata=dict(metadata, num_joints=16))
    with pytest.raises(InputError, match="num_joints 17 in 'metadata', got 16"):
        read_detections(tmp_path / 'a.npz')


def test_bytes_do_not_become_pointers(save_archive, tmp_path):
    array = Call(*np.zeros(0).__reduce__()[:2])
    array.call += ((1, (5, 17, 3), np.dtype(object), False, bytes(5 * 17 * 3)),)
    save_archive(tmp_path / 'a.npz', 'positions_3d', {('S1', 'Eating'): array})
    with pytest.raises(InputError, match="expected finite floating-point numbers in S1 'Eating'"):
        read_poses(tmp_path / 'a.npz')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(positions_3d=np.zeros(3)), r"'positions_3d' is float64 of shape \(3,\), expected one Python object"),
        (None, r'no archive .*a.npz: VideoPose3D tells how to make or download it'),
    ],
)
def test_other_files(tmp_path, content, message):
    if content:
        np.savez(tmp_path / 'a.npz', **content)
    with pytest.raises(InputError, match=message):
        read_poses(tmp_path / 'a.npz')
