import os
import pickle

import numpy as np
import pytest

from depth_refine.datasets import H36MAnnotation, load_cameras
from depth_refine.errors import InputError
from depth_refine.functional.camera import project


@pytest.fixture
def files(data_root):
    folder = data_root / 'annotation_body3d'
    return folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl'


def rewrite(path, tmp_path, **changes):
    """A copy of an annotation with other arrays; None removes one."""
    arrays = {**np.load(path), **changes}
    np.savez(tmp_path / 'changed.npz', **{key: value for key, value in arrays.items() if value is not None})
    return tmp_path / 'changed.npz'


def names(*sequences, frames=3):
    return np.array([f'S1/{s}/{s}_{f + 1:06d}.jpg' for s in sequences for f in range(frames)])


def small(path, tmp_path, imgname):
    arrays = np.load(path)
    return rewrite(path, tmp_path, imgname=imgname, **{k: arrays[k][: len(imgname)] for k in arrays if k != 'imgname'})


def test_reads_units_and_cameras(files):
    annotation = H36MAnnotation(*files)
    assert len(annotation) == 2 * 4 * 12 and len(annotation.sequences) == 8
    for sequence, camera in zip(annotation.sequences, annotation.cameras, strict=True):
        assert camera['id'] == sequence.camera
        expected = project(annotation.keypoints_3d[sequence.rows], camera)
        np.testing.assert_allclose(annotation.keypoints[sequence.rows], expected, atol=1e-3)
        assert (annotation.frames[sequence.rows] == np.arange(1, 13)).all()


def test_names_with_and_without_take_numbers(files, tmp_path):
    imgname = names('S1_SittingDown.54138969', 'S1_SittingDown_2.54138969', 'S1_Directions 1.55011271')
    annotation = H36MAnnotation(small(files[0], tmp_path, imgname), files[1])
    assert [s.action for s in annotation.sequences] == ['SittingDown', 'SittingDown', 'Directions']
    assert [s.subject for s in annotation.sequences] == ['S1'] * 3
    assert len({s.name for s in annotation.sequences}) == 3


def test_frames_are_put_in_order(files, tmp_path):
    imgname = names('S1_A.54138969', 'S1_B.54138969', frames=4)[[5, 0, 2, 7, 1, 4, 3, 6]]
    annotation = H36MAnnotation(small(files[0], tmp_path, imgname), files[1])
    assert [s.name for s in annotation.sequences] == ['S1_B.54138969', 'S1_A.54138969']
    assert [s.rows.tolist() for s in annotation.sequences] == [[5, 0, 7, 3], [1, 4, 2, 6]]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(S=None), r"changed.npz lacks the key 'S': expected \['S', 'center'"),
        (dict(part=np.zeros((96, 16, 3))), r"expected 'part' of shape \(96, 17, 3\), got \(96, 16, 3\)"),
        (dict(imgname=np.array(['a.jpg'] * 96)), "changed.npz, row 0: the image name 'a.jpg' is not of the form S1_"),
        (dict(imgname=np.array([None] * 96)), 'is not a readable npz file'),
        (dict(imgname=np.array([])), 'holds no frames'),
    ],
)
def test_wrong_arrays(files, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        H36MAnnotation(rewrite(files[0], tmp_path, **changes), files[1])


@pytest.mark.parametrize('key', ['part', 'S', 'scale'])
def test_numbers_that_are_not_finite(files, tmp_path, key):
    array = np.load(files[0])[key]
    array[3:5] = np.nan
    with pytest.raises(InputError, match=rf"changed.npz: '{key}' is not finite in 2 of 96 rows, first in row 3 \(S1/"):
        H36MAnnotation(rewrite(files[0], tmp_path, **{key: array}), files[1])


def test_missing_and_damaged_files(files, tmp_path):
    with pytest.raises(InputError, match=r'no annotation file .*absent.npz.*make_synthetic'):
        H36MAnnotation(tmp_path / 'absent.npz', files[1])
    with pytest.raises(InputError, match=r'no camera file .*absent.pkl'):
        H36MAnnotation(files[0], tmp_path / 'absent.pkl')
    damaged = tmp_path / 'cut.npz'
    damaged.write_bytes(files[0].read_bytes()[:5000])
    with pytest.raises(InputError, match=r'cut\.npz is not a readable npz file'):
        H36MAnnotation(damaged, files[1])


def test_missing_camera(files, tmp_path):
    cameras = load_cameras(files[1])
    del cameras['S1', '54138969']
    (tmp_path / 'cameras.pkl').write_bytes(pickle.dumps(cameras))
    message = r"cameras.pkl has no camera \('S1', '54138969'\), which .*h36m_train.npz needs"
    with pytest.raises(InputError, match=message):
        H36MAnnotation(files[0], tmp_path / 'cameras.pkl')


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_camera_pickle_runs_no_code(tmp_path):
    path = tmp_path / 'cameras.pkl'
    path.write_bytes(pickle.dumps({('S1', '1'): Malicious(tmp_path / 'made')}))
    with pytest.raises(InputError, match=r'not a pickle of plain camera dictionaries \(refused to load posix.mkdir\)'):
        load_cameras(path)
    assert not (tmp_path / 'made').exists()


@pytest.mark.parametrize(('protocol'), [0, 2, 4, 5])
def test_camera_pickles_of_every_protocol(files, tmp_path, protocol):
    cameras = load_cameras(files[1])
    path = tmp_path / 'cameras.pkl'
    path.write_bytes(pickle.dumps(cameras, protocol=protocol))
    again = load_cameras(path)
    np.testing.assert_array_equal(again['S1', '54138969']['R'], cameras['S1', '54138969']['R'])


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([1, 2], r'expected a dict of \(subject, camera id\) to camera, got list'),
        ({('S1', '1'): dict(R=np.eye(3))}, r"camera \('S1', '1'\) needs 'T' of shape \(3, 1\)"),
        ({('S1', '1'): 7}, r"camera \('S1', '1'\) needs 'R' of shape \(3, 3\)"),
    ],
)
def test_wrong_cameras(tmp_path, content, message):
    path = tmp_path / 'cameras.pkl'
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=message):
        load_cameras(path)
