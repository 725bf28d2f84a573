"""What an annotation, its cameras and its depth sequence store may look like on somebody's disk."""

import io
import json
import pickle
import shutil
import zipfile

import numpy as np
import pytest

from depth_refine.datasets import H36MAnnotation, SequenceStore, load_cameras, write_sequence_store
from depth_refine.functional.camera import camera_to_world, project, world_to_camera
from depth_refine.utils.errors import InputError

ROWS = np.r_[0:3, 12:15]  # of two videos


@pytest.fixture(scope='module')
def arrays(data_root):
    with np.load(data_root / 'annotation_body3d/fps50/h36m_test.npz') as file:
        return {key: file[key][ROWS] for key in file.files}


@pytest.fixture(scope='module')
def camera_file(data_root):
    return data_root / 'annotation_body3d/cameras.pkl'


def check_annotation(arrays, annotation):
    """The annotation holds what NumPy reads."""
    np.testing.assert_array_equal(annotation.img_names, np.char.encode(arrays['imgname'].astype(str), 'utf-8'))
    for name, array in [
        ('center', arrays['center']),
        ('scale', arrays['scale']),
        ('keypoints', arrays['part'][..., :2]),
        ('keypoints_visible', arrays['part'][..., 2] > 0),
        ('keypoints_3d', arrays['S'][..., :3]),
        ('keypoints_3d_visible', arrays['S'][..., 3] > 0),
    ]:
        np.testing.assert_array_equal(getattr(annotation, name), np.asarray(array, getattr(annotation, name).dtype))
        assert np.isfinite(getattr(annotation, name)).all()
    assert (annotation.scale > 0).all()
    for sequence in annotation.sequences:
        assert (np.diff(annotation.frames[sequence.rows]) >= 0).all()
        for row in sequence.rows:
            name = annotation.img_names[row].decode()
            assert f'{sequence.name}_' in name and int(name.rsplit('_', 1)[1].split('.')[0]) == annotation.frames[row]


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_annotation_bytes(fuzz, arrays, camera_file, tmp_path, save):
    def judge(case, annotation):
        try:
            with np.load(io.BytesIO(case)) as file:
                check_annotation({key: file[key] for key in file.files}, annotation)
        except (zipfile.BadZipFile, ValueError):
            check_annotation(arrays, annotation)

    content, path = fuzz.npz(arrays, save), tmp_path / 'h36m_test.npz'
    fuzz.bytes(path, content, lambda path: H36MAnnotation(path, camera_file), judge)


def test_annotation_arrays(fuzz, arrays, camera_file, tmp_path):
    path = tmp_path / 'h36m_test.npz'
    fuzz.tree(path, arrays, fuzz.npz, lambda path: H36MAnnotation(path, camera_file), check_annotation)


def check_cameras(_, cameras):
    """Points come back from the camera's frame, and lie where Human3.6M's formula puts them."""
    for camera in cameras.values():
        points = np.array([[0.3, 0.2, 4.0], [-0.5, 0.1, 5.5]])
        world = camera_to_world(points, camera)
        np.testing.assert_allclose(world_to_camera(world, camera), points, atol=0.02 + 1e-9 * np.abs(camera['T']).max())
        assert np.isfinite(project(points, camera)).all()
        assert camera['w'] > 0 and camera['h'] > 0 and np.min(camera['f']) > 0


def test_cameras_bytes(fuzz, camera_file, tmp_path):
    fuzz.bytes(tmp_path / 'cameras.pkl', camera_file.read_bytes(), load_cameras, check_cameras)


def test_cameras_tree(fuzz, camera_file, tmp_path):
    def judge(case, cameras):
        check_cameras(case, cameras)
        assert cameras.keys() == case.keys()
        for key, camera in case.items():
            for name in 'RTfckpwh':
                np.testing.assert_array_equal(cameras[key][name], camera[name])

    fuzz.tree(tmp_path / 'cameras.pkl', pickle.loads(camera_file.read_bytes()), pickle.dumps, load_cameras, judge)


@pytest.fixture
def store(fuzz, arrays, camera_file, tmp_path):
    """An annotation, its store, and a copy of that to damage."""
    (tmp_path / 'h36m_test.npz').write_bytes(fuzz.npz(arrays))
    annotation = H36MAnnotation(tmp_path / 'h36m_test.npz', camera_file)
    rng = np.random.default_rng(0)
    with write_sequence_store(tmp_path / 'store', annotation, 'annotation', {}, has_depth_std=True) as writer:
        writer.write(np.arange(6), rng.normal(size=(6, 17, 3)), rng.uniform(size=(6, 17)), rng.uniform(size=(6, 17)))
    whole = SequenceStore(tmp_path / 'store', annotation)
    return annotation, whole, shutil.copytree(tmp_path / 'store', tmp_path / 'copy')


@pytest.mark.parametrize('name', ['store.json', 'keypoints.npy', 'scores.npy', 'depth_std.npy'])
def test_store_bytes(fuzz, store, name):
    annotation, whole, folder = store

    def judge(_, found):
        for key in ('keypoints', 'scores'):
            np.testing.assert_array_equal(getattr(found, key), getattr(whole, key))
        assert found.depth_std is None or np.array_equal(found.depth_std, whole.depth_std)

    file = folder / name
    fuzz.bytes(folder, file.read_bytes(), lambda folder: SequenceStore(folder, annotation), judge, file=file)


def test_store_meta(fuzz, store):
    annotation, _, folder = store

    def judge(case, found):
        assert found.meta['annotation']['sha256'] == annotation.sha256
        assert found.bbox_policy == str(case['bbox_policy']) and found.has_depth == bool(case['has_depth'])

    file = folder / 'store.json'
    content = json.loads(file.read_text())
    fuzz.tree(folder, content, fuzz.json, lambda folder: SequenceStore(folder, annotation), judge, file)


@pytest.mark.parametrize('key', ['imgname', 'center', 'S'])
@pytest.mark.parametrize('version', ['1_0', '2_0'])
def test_a_billion_frames_in_a_kilobyte(arrays, camera_file, tmp_path, limits, key, version):
    """Headers that claim a shape, without content."""
    path, write_header = tmp_path / 'h36m_test.npz', getattr(np.lib.format, f'write_array_header_{version}')
    with zipfile.ZipFile(path, 'w') as archive:
        for name, array in arrays.items():
            shape = (10**9 if name == key else 0, *array.shape[1:])
            with archive.open(f'{name}.npy', 'w') as file:
                write_header(file, dict(descr='<U60' if name == 'imgname' else '<f8', fortran_order=False, shape=shape))
    with limits(), pytest.raises(InputError, match=r'h36m_test\.npz'):
        H36MAnnotation(path, camera_file)
