import pickle
import shutil
from collections import namedtuple

import cv2
import numpy as np
import pytest
from mmpose.datasets import Human36mDataset

from depth_refine.functional.camera import project, world_to_camera
from depth_refine.structures.skeleton import H36M
from depth_refine.synthetic import make_synthetic
from depth_refine.synthetic.performances import procedural_performances
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import CAMERA_IDS

SMALL = dict(workers=1, seed=4, frames=5, image_size=72, subjects=['S5', 'S11'], activities=['Walking', 'SittingDown'])


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return make_synthetic(tmp_path_factory.mktemp('synthetic') / 'data', **SMALL)


def annotation(data, split):
    with np.load(data / f'annotation_body3d/fps50/h36m_{split}.npz') as file:
        return dict(file)


def cameras(data):
    return pickle.loads((data / 'annotation_body3d/cameras.pkl').read_bytes())


def camera_id(image_name):
    return image_name.rsplit('.', 2)[1].split('_')[0]


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


@pytest.mark.parametrize(('split', 'subject'), [('train', 'S5'), ('test', 'S11')])
def test_layout(data, split, subject):
    ann = annotation(data, split)
    rows = 2 * 4 * 5
    assert {key: value.shape for key, value in ann.items()} == {
        'imgname': (rows,), 'center': (rows, 2), 'scale': (rows,), 'part': (rows, 17, 3), 'S': (rows, 17, 4),
        'frame_rate': (rows,),
    }  # fmt: skip
    assert all(ann[key].dtype == np.float64 for key in ('center', 'scale', 'part', 'S'))
    expected = [
        f'{subject}/{name}/{name}_{frame:06d}.jpg'
        for name in (f'{subject}_{action}.{c}' for action in ('Walking_1', 'SittingDown_1') for c in CAMERA_IDS)
        for frame in range(1, 6)
    ]
    assert ann['imgname'].tolist() == expected
    images = [cv2.imread(str(data / 'images' / name)) for name in expected]
    assert all(image.shape == (72, 72, 3) for image in images)
    assert len(list((data / 'images').rglob('*.jpg'))) == 2 * rows


@pytest.mark.parametrize('split', ['train', 'test'])
def test_annotations_agree_with_each_other(data, split):
    ann, cams = annotation(data, split), cameras(data)
    part, joints = ann['part'][..., :2], ann['S'][..., :3]
    subject = ann['imgname'][0].split('/')[0]
    walk, sit = (p.joints for p in procedural_performances([subject], SMALL['activities'], 5, SMALL['seed']))
    world = np.concatenate([walk] * 4 + [sit] * 4)
    assert np.all(ann['part'][..., 2] == 1) and np.all(ann['S'][..., 3] == 1)
    for row, name in enumerate(ann['imgname']):
        camera = cams[name.split('/')[0], camera_id(name)]
        np.testing.assert_allclose(project(joints[row], camera), part[row], atol=1e-9)
        np.testing.assert_allclose(joints[row], world_to_camera(world[row], camera), atol=1e-12)
    np.testing.assert_array_equal(joints[:, 0], (joints[:, 1] + joints[:, 4]) / 2)
    low, high = part.min(axis=1), part.max(axis=1)
    np.testing.assert_allclose(ann['center'], (low + high) / 2)
    np.testing.assert_allclose(ann['scale'] * 200, 1.2 * np.max(high - low, axis=-1))
    assert low.min() > 0 and high.max() < 71, 'everybody is in view'
    np.testing.assert_allclose(np.ptp(H36M.bone_lengths(joints), axis=0), 0, atol=1e-9)


def test_mmpose_reads_it(data):
    dataset = Human36mDataset(
        ann_file='annotation_body3d/fps50/h36m_test.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        data_root=str(data),
        data_prefix=dict(img='images/'),
        seq_len=3,
        causal=False,
        pad_video_seq=True,
    )
    ann = annotation(data, 'test')
    assert len(dataset) == len(ann['imgname'])
    for index in (0, 39):
        sample = dataset[index]
        row = ann['imgname'].tolist().index(sample['target_img_path'][0])
        np.testing.assert_allclose(sample['lifting_target'][0], ann['S'][row, :, :3], atol=1e-6)
        assert sample['camera_param']['id'] == camera_id(ann['imgname'][row])


@pytest.mark.slow
def test_same_bytes_whatever_the_number_of_workers(data, tmp_path):
    again = make_synthetic(tmp_path / 'again', **{**SMALL, 'workers': 3})
    assert contents(again) == contents(data)


def test_another_seed_changes_motion_cameras_and_images(data, tmp_path):
    other = make_synthetic(tmp_path / 'other', **{**SMALL, 'seed': 5})
    ann, changed = annotation(data, 'train'), annotation(other, 'train')
    assert np.abs(H36M.bone_lengths(ann['S'][..., :3]) - H36M.bone_lengths(changed['S'][..., :3])).max() > 1e-3
    assert not np.array_equal(cameras(data)['S5', CAMERA_IDS[0]]['R'], cameras(other)['S5', CAMERA_IDS[0]]['R'])
    first = ann['imgname'][0]
    assert (data / 'images' / first).read_bytes() != (other / 'images' / first).read_bytes()


def test_recorded_motion_survives_the_round_trip(clips, tmp_path):
    """Two of three subjects are tested on, unless others are named: some, but not all."""
    motion_file = tmp_path / 'motion.npz'
    np.savez(motion_file, **clips | {'subject': ['p_1', 'p_2', 'p_3']})
    data = make_synthetic(tmp_path / 'data', workers=1, image_size=48, motion=motion_file)
    train, test, cams = annotation(data, 'train'), annotation(data, 'test'), cameras(data)
    assert {name.split('/')[1].rsplit('.', 1)[0] for name in train['imgname']} == {'p2_WaveHelloAgainAgain_1'}
    assert {name.split('/')[0] for name in test['imgname']} == {'p1', 'p3'}
    original = clips['positions'][12:32]
    for index, name in enumerate(CAMERA_IDS):
        joints = train['S'][20 * index : 20 * index + 20, 1:, :3] @ cams['p2', name]['R'].T
        np.testing.assert_allclose(joints - joints[:, :1], original[:, 1:] - original[:, 1:2], atol=1e-6)
    for names in (['p1', 'p2', 'p3'], ['p9']):
        message = rf"test subjects \['{names[0]}'.* must be some of the subjects \['p1', 'p2', 'p3'\], but not all"
        with pytest.raises(InputError, match=message):
            make_synthetic(tmp_path / 'none', motion=motion_file, test_subjects=names)
    assert not (tmp_path / 'none').exists()


def test_sizes_too_small_and_an_existing_folder(tmp_path):
    for change, message in (
        (dict(image_size=31), 'expected images of 32 px or more, got 31 px$'),
        (dict(frames=0), 'expected 1 frame or more, got 0$'),
        (dict(test_subjects=['S9', 'S9']), 'expected every subject once, got S9 S9$'),
        (dict(subjects=['S1', 'S9', 'S1']), 'expected every subject once, got S1 S9 S1$'),
    ):
        with pytest.raises(InputError, match=message):
            make_synthetic(tmp_path / 'data', **{**SMALL, **change})
    (tmp_path / 'mine').write_text('precious')
    with pytest.raises(InputError, match=r'mine exists: give another folder, or remove it first'):
        make_synthetic(tmp_path / 'mine', **SMALL)
    assert (tmp_path / 'mine').read_text() == 'precious'


def test_a_full_disk_is_noticed_before_anything_is_written(tmp_path, monkeypatch):
    usage = namedtuple('usage', 'total used free')(10, 9, 1_000_000)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
    with pytest.raises(InputError, match=r'^8000 images of 72 px need up to 0\.0 GB in .*, where 0\.0 GB are free'):
        make_synthetic(tmp_path / 'data', **{**SMALL, 'frames': 500})
    assert list(tmp_path.iterdir()) == []
