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


def npz_bytes(arrays, save=np.savez):
    buffer = io.BytesIO()
    save(buffer, **{key: np.asarray(array) for key, array in arrays.items()})
    return buffer.getvalue()


@pytest.fixture(scope='module')
def arrays(data_root):
    with np.load(data_root / 'annotation_body3d/fps50/h36m_test.npz') as file:
        return {key: file[key][ROWS] for key in file.files}


@pytest.fixture(scope='module')
def camera_file(data_root):
    return data_root / 'annotation_body3d/cameras.pkl'


def check_annotation(annotation, arrays):
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
        for row, before in zip(sequence.rows[1:], sequence.rows, strict=False):
            assert annotation.frames[row] >= annotation.frames[before]
        for row in sequence.rows:
            name = annotation.img_names[row].decode()
            assert f'{sequence.name}_' in name and int(name.rsplit('_', 1)[1].split('.')[0]) == annotation.frames[row]


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_annotation_bytes(fuzz, damaged, arrays, camera_file, tmp_path, save):
    path = tmp_path / 'h36m_test.npz'

    def judge(case, annotation):
        try:
            with np.load(io.BytesIO(case)) as file:
                check_annotation(annotation, {key: file[key] for key in file.files})
        except (zipfile.BadZipFile, ValueError):
            check_annotation(annotation, arrays)

    fuzz(
        damaged.bytes(npz_bytes(arrays, save)),
        path.write_bytes,
        lambda: H36MAnnotation(path, camera_file),
        judge,
        names=path,
    )


def test_annotation_arrays(fuzz, damaged, arrays, camera_file, tmp_path):
    path = tmp_path / 'h36m_test.npz'
    fuzz(
        damaged.tree(arrays),
        lambda case: path.write_bytes(npz_bytes(case)),
        lambda: H36MAnnotation(path, camera_file),
        lambda case, annotation: check_annotation(annotation, case),
        names=path,
    )


def check_cameras(cameras):
    """Points come back from the camera's frame, and lie where Human3.6M's formula puts them."""
    for camera in cameras.values():
        points = np.array([[0.3, 0.2, 4.0], [-0.5, 0.1, 5.5]])
        world = camera_to_world(points, camera)
        np.testing.assert_allclose(world_to_camera(world, camera), points, atol=0.02 + 1e-9 * np.abs(camera['T']).max())
        assert np.isfinite(project(points, camera)).all()
        assert camera['w'] > 0 and camera['h'] > 0 and np.min(camera['f']) > 0


def test_cameras_bytes(fuzz, damaged, camera_file, tmp_path):
    path = tmp_path / 'cameras.pkl'
    fuzz(
        damaged.bytes(camera_file.read_bytes()),
        path.write_bytes,
        lambda: load_cameras(path),
        lambda _, cameras: check_cameras(cameras),
        names=path,
    )


def test_cameras_tree(fuzz, damaged, camera_file, tmp_path):
    path = tmp_path / 'cameras.pkl'

    def judge(case, cameras):
        check_cameras(cameras)
        assert cameras.keys() == case.keys()
        for key, camera in case.items():
            for name in 'RTfckpwh':
                np.testing.assert_array_equal(cameras[key][name], camera[name])

    fuzz(
        damaged.tree(pickle.loads(camera_file.read_bytes())),
        lambda case: path.write_bytes(pickle.dumps(case)),
        lambda: load_cameras(path),
        judge,
        names=path,
    )


@pytest.fixture(scope='module')
def store(arrays, camera_file, tmp_path_factory):
    """An annotation and its store."""
    folder = tmp_path_factory.mktemp('store')
    (folder / 'h36m_test.npz').write_bytes(npz_bytes(arrays))
    annotation = H36MAnnotation(folder / 'h36m_test.npz', camera_file)
    rng = np.random.default_rng(0)
    with write_sequence_store(folder / 'store', annotation, 'annotation', {}, has_depth_std=True) as writer:
        writer.write(np.arange(6), rng.normal(size=(6, 17, 3)), rng.uniform(size=(6, 17)), rng.uniform(size=(6, 17)))
    return annotation, folder / 'store'


@pytest.mark.parametrize('name', ['store.json', 'keypoints.npy', 'scores.npy', 'depth_std.npy'])
def test_store_bytes(fuzz, damaged, store, tmp_path, name):
    annotation, folder = store
    target = shutil.copytree(folder, tmp_path / 'a_store')
    whole = SequenceStore(folder, annotation)

    def judge(_, damaged_store):
        for key in ('keypoints', 'scores'):
            np.testing.assert_array_equal(getattr(damaged_store, key), getattr(whole, key))
        assert damaged_store.depth_std is None or np.array_equal(damaged_store.depth_std, whole.depth_std)

    fuzz(
        damaged.bytes((folder / name).read_bytes()),
        (target / name).write_bytes,
        lambda: SequenceStore(target, annotation),
        judge,
        names=target,
    )


def test_store_meta(fuzz, damaged, store, tmp_path):
    annotation, folder = store
    target = shutil.copytree(folder, tmp_path / 'a_store')

    def judge(case, damaged_store):
        assert damaged_store.meta['annotation']['sha256'] == annotation.sha256
        assert damaged_store.bbox_policy == str(case['bbox_policy'])
        assert damaged_store.has_depth == bool(case['has_depth'])

    fuzz(
        damaged.tree(json.loads((folder / 'store.json').read_text())),
        lambda case: (target / 'store.json').write_text(json.dumps(case)),
        lambda: SequenceStore(target, annotation),
        judge,
        names=target,
    )


def claiming(shape, descr='<f8', version=(1, 0)):
    """An npy file whose header claims a shape, without content."""
    buffer = io.BytesIO()
    write = dict([((1, 0), np.lib.format.write_array_header_1_0), ((2, 0), np.lib.format.write_array_header_2_0)])
    write[version](buffer, dict(descr=descr, fortran_order=False, shape=shape))
    return buffer.getvalue()


@pytest.mark.parametrize('key', ['imgname', 'center', 'S'])
@pytest.mark.parametrize('version', [(1, 0), (2, 0)])
def test_a_billion_frames_in_a_kilobyte(arrays, camera_file, tmp_path, limits, key, version):
    path = tmp_path / 'h36m_test.npz'
    with zipfile.ZipFile(path, 'w') as archive:
        for name, array in arrays.items():
            descr = '<U60' if name == 'imgname' else '<f8'
            shape = (10**9, *array.shape[1:])
            archive.writestr(f'{name}.npy', claiming(shape if name == key else (0, *array.shape[1:]), descr, version))
    with limits(), pytest.raises(InputError, match=r'h36m_test\.npz'):
        H36MAnnotation(path, camera_file)
