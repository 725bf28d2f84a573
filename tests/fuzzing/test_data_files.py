"""Annotations, cameras, depth sequence stores, COCO, MPII and motion files, and whatever may be in their place."""

import io
import json
import pickle
import shutil
import zipfile

import numpy as np
import pytest
from mmpose.registry import DATASETS

from depth_refine.datasets import H36MAnnotation, SequenceStore, load_cameras, write_sequence_store
from depth_refine.functional.camera import camera_to_world, project, world_to_camera
from depth_refine.structures.skeleton import H36M
from depth_refine.synthetic.mocap import read_clips
from depth_refine.synthetic.motion import make_motion
from depth_refine.synthetic.subjects import make_proportions

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
def test_annotation(fuzz, arrays, camera_file, tmp_path, save):
    def judge(case, annotation):
        try:
            with np.load(io.BytesIO(case)) as file:
                check_annotation({key: file[key] for key in file.files}, annotation)
        except (zipfile.BadZipFile, ValueError):
            check_annotation(arrays, annotation)

    def read(path):
        return H36MAnnotation(path, camera_file)

    fuzz(tmp_path / 'h36m_test.npz', fuzz.npz(arrays, save), read, judge)
    fuzz(tmp_path / 'h36m_test.npz', arrays, read, check_annotation, lambda case: fuzz.npz(case, save))


def check_cameras(case, cameras):
    """Points come back from the camera's frame and lie in the image; forged content is what was written."""
    for key, camera in cameras.items():
        points = np.array([[0.3, 0.2, 4.0], [-0.5, 0.1, 5.5]])
        if {'R', 'T'} <= camera.keys():
            there, far = world_to_camera(camera_to_world(points, camera), camera), np.abs(camera['T']).max()
            np.testing.assert_allclose(there, points, atol=0.02 + 1e-9 * far)
        assert camera['w'] > 0 and camera['h'] > 0 and np.min(camera.get('f', 1)) > 0
        assert 'f' not in camera or np.isfinite(project(points, camera)).all()
        for name in camera.keys() & case[key].keys() & set('RTfckpwh') if isinstance(case, dict) else ():
            np.testing.assert_array_equal(camera[name], np.reshape(case[key][name], np.shape(camera[name])))
    assert not isinstance(case, dict) or cameras.keys() == case.keys()


def test_cameras(fuzz, camera_file, tmp_path):
    content = camera_file.read_bytes()
    fuzz(tmp_path / 'cameras.pkl', content, load_cameras, check_cameras)
    fuzz(tmp_path / 'cameras.pkl', pickle.loads(content), load_cameras, check_cameras, pickle.dumps)


@pytest.mark.parametrize('name', ['store.json', 'keypoints.npy', 'scores.npy', 'depth_std.npy'])
def test_store(fuzz, arrays, camera_file, tmp_path, name):
    (tmp_path / 'h36m_test.npz').write_bytes(fuzz.npz(arrays))
    annotation = H36MAnnotation(tmp_path / 'h36m_test.npz', camera_file)
    rng = np.random.default_rng(0)
    with write_sequence_store(tmp_path / 'store', annotation, 'annotation', {}, has_depth_std=True) as writer:
        writer.write(np.arange(6), rng.normal(size=(6, 17, 3)), rng.uniform(size=(6, 17)), rng.uniform(size=(6, 17)))
    whole = SequenceStore(tmp_path / 'store', annotation)
    folder = shutil.copytree(tmp_path / 'store', tmp_path / 'copy')

    def read(folder):
        return SequenceStore(folder, annotation)

    def judge(case, found):
        np.testing.assert_array_equal(found.keypoints, whole.keypoints)
        np.testing.assert_array_equal(found.scores, whole.scores)
        assert found.depth_std is None or np.array_equal(found.depth_std, whole.depth_std)
        if isinstance(case, dict):
            assert found.meta['annotation']['sha256'] == annotation.sha256
            assert found.bbox_policy == str(case['bbox_policy']) and found.has_depth == bool(case['has_depth'])

    content = (folder / name).read_bytes()
    fuzz(folder, content, read, judge, file=folder / name)
    if name == 'store.json':
        fuzz(folder, json.loads(content), read, judge, fuzz.json, folder / name)


def knee(content, identity):
    """(u, v) px counted from 0 of a person's left knee, joint 5 of Human3.6M, as in the file."""
    if isinstance(content, list):  # MPII
        return np.array(content[identity]['joints'], float)[4] - 1
    *_, person = (person for person in content['annotations'] if person['id'] == identity)
    return np.reshape(person['keypoints'], (17, 3))[13, :2]


@pytest.mark.parametrize(
    ('kind', 'ann_file', 'images'),
    [
        ('CocoBodyDataset', 'coco/annotations/person_keypoints_train2017.json', 'coco/train2017/'),
        ('MpiiBodyDataset', 'mpii/annotations/mpii_train.json', 'mpii/images/'),
    ],
)
def test_2d_sets(fuzz, body_2d_root, tmp_path, kind, ann_file, images):
    def read(_):
        cfg = dict(type=kind, ann_file=ann_file, data_root=str(tmp_path), data_prefix=dict(img=images), lazy_init=True)
        return DATASETS.build(cfg).load_data_list()

    def judge(case, samples):
        assert samples
        for sample in samples:
            (x1, y1, x2, y2), (joints,), (visible,) = *sample['bbox'], sample['keypoints'], sample['keypoints_visible']
            assert np.isfinite(joints).all() and x1 < x2 and y1 < y2
            inside = (joints >= (x1, y1)).all(axis=1) & (joints <= (x2, y2)).all(axis=1)
            assert (inside & (visible > 0)).any() and set(visible) <= {0, 1}
            if visible[5]:
                expected = np.float32(knee(json.loads(case) if isinstance(case, bytes) else case, sample['id']))
                np.testing.assert_allclose(joints[5], expected, atol=1e-3)

    path, content = tmp_path / ann_file, (body_2d_root / ann_file).read_bytes()
    path.parent.mkdir(parents=True)
    fuzz(path, content, read, judge)
    fuzz(path, json.loads(content), read, judge, fuzz.json)


def test_motion(fuzz, tmp_path):
    rng = np.random.default_rng(0)
    clips = [make_motion(name, make_proportions(0, 0), rng, 4)[0] for name in ('Walking', 'Greeting')]
    arrays = dict(subject=np.array(['a', 'b']), names=np.array(['walk', 'wave']), fps=np.array(25.0))
    arrays |= dict(positions=np.concatenate(clips).astype('f4'), clip=np.repeat([0, 1], 4))

    def judge(case, clips):
        """Bones are the file's, at the times of its frames."""
        content = case if isinstance(case, dict) else arrays
        assert len(clips) == len(content['subject'])
        for index, clip in enumerate(clips):
            assert clip.subject.isalnum() and clip.action.removesuffix('_1').isalnum()
            assert np.isfinite(clip.joints).all()
            original = np.float64(content['positions'][content['clip'] == index])
            if (step := 50 / float(content['fps'])) in (1, 2):
                assert len(clip.joints) == (len(original) - 1) * step + 1
                got, expected = (H36M.bone_lengths(joints)[:, 9:] for joints in (clip.joints[:: int(step)], original))
                np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)

    fuzz(tmp_path / 'motion.npz', arrays, read_clips, judge, fuzz.npz)
    fuzz(tmp_path / 'motion.npz', fuzz.npz(arrays), read_clips, judge)
