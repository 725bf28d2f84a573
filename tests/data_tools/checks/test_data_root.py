import os
import pickle
import shutil

import cv2
import numpy as np
import pytest

from depth_refine.data_tools.checks import data_root as module
from depth_refine.data_tools.checks.data_root import check_data
from depth_refine.datasets import H36MAnnotation, load_cameras, write_sequence_store
from depth_refine.utils.errors import InputError

TRAIN, TEST = (f'annotation_body3d/fps50/h36m_{split}.npz' for split in ('train', 'test'))
CAMERAS = 'annotation_body3d/cameras.pkl'


@pytest.fixture
def root(data_root, tmp_path):
    """A copy of the synthetic data root that may be damaged; files are links."""
    copy = tmp_path / 'h36m'
    shutil.copytree(data_root, copy, copy_function=os.link)
    return copy


@pytest.fixture
def drawn(monkeypatch):
    """The frames that would be drawn; pictures take half a second."""
    frames = []
    monkeypatch.setattr(module, 'draw_check_picture', lambda drawn, path: frames.append(drawn))
    return frames


def rewrite(path, **changes):
    """Replace arrays of an annotation; each change maps all arrays to the new one."""
    arrays = dict(np.load(path))
    arrays.update({key: change(arrays) for key, change in changes.items()})
    path.unlink()
    np.savez(path, **arrays)


def check(root, kind, **options):
    findings = check_data(root, 'never.png', **options)
    return [f'{finding.where}: {finding.message}' for finding in findings if finding.kind == kind]


def test_a_good_root(root, tmp_path):
    before = sorted(root.rglob('*'))
    findings = check_data(root, tmp_path / 'a.png')
    assert {finding.kind for finding in findings} == {'ok', 'note'}
    assert [finding.where for finding in findings if finding.kind == 'ok'] == [
        *[CAMERAS, TRAIN, TRAIN, TRAIN, TEST, TEST, TEST, str(tmp_path / 'a.png')]
    ]
    assert cv2.imread(str(tmp_path / 'a.png')).std() > 20
    assert sorted(root.rglob('*')) == before, 'nothing is written into the data root'


def test_frames_to_draw(root, drawn):
    for seed in (1, 1, 2):
        check(root, 'ok', seed=seed)
    titles = [[frame.title for frame in frames] for frames in drawn]
    assert titles[0] == titles[1] != titles[2]
    assert [title.split('_')[0] for title in titles[0]] == ['S1'] * 6 + ['S9'] * 6
    frame = drawn[0][0]
    annotation = H36MAnnotation(root / TRAIN, root / CAMERAS)
    row = [name.decode().endswith(f'{frame.title}.jpg') for name in annotation.img_names].index(True)
    np.testing.assert_array_equal(frame.keypoints, annotation.keypoints[row])
    np.testing.assert_allclose(frame.projected, annotation.keypoints[row], atol=1e-3)
    side = 200 * annotation.scale[row]
    np.testing.assert_allclose(frame.box[2:] - frame.box[:2], side, rtol=1e-5)
    np.testing.assert_array_equal(frame.image, cv2.imread(str(root / 'images' / annotation.img_names[row].decode())))


def test_missing_root_and_annotations(tmp_path, drawn):
    with pytest.raises(InputError, match=r'no folder .*absent: expected a data root'):
        check_data(tmp_path / 'absent', 'never.png')
    layout, cameras = check(tmp_path, 'problem')
    assert layout.startswith('annotation_body3d: no annotation: expected fps50/h36m_train.npz')
    assert cameras.startswith(f'{CAMERAS}: no camera file')
    assert drawn == []


def test_an_unreadable_annotation_does_not_stop_the_rest(root, drawn):
    rewrite(root / TRAIN, S=lambda a: a['S'] * np.nan)
    (problem,) = check(root, 'problem')
    assert problem.startswith(f'{TRAIN}: ') and "'S' is not finite in 96 of 96 rows" in problem
    assert f'{TEST}: every image is there' in check(root, 'ok')
    (root / TRAIN).unlink()
    assert 'annotation_body3d/fps50: holds test of train, test' in check(root, 'note')


def test_every_kind_of_check_is_made(root, drawn):
    """One fault of each kind, each found by the module that looks for it."""
    cameras = load_cameras(root / CAMERAS)
    cameras['S9', '54138969'].update(T=cameras['S9', '54138969']['T'] + 1, id='60457274')
    (root / CAMERAS).unlink()
    (root / CAMERAS).write_bytes(pickle.dumps(cameras))
    rewrite(root / TRAIN, part=lambda a: a['part'] + [3, 0, 0], scale=lambda a: a['scale'] / 2)
    for path in (root / 'images/S9').rglob('*.jpg'):
        path.unlink()
        path.write_bytes(b'no image')
    shutil.rmtree(next((root / 'images/S1').iterdir()))
    problems = check(root, 'problem')
    for expected in (
        f"{CAMERAS}: 1 of 8 cameras, first ('S9', '54138969'): its id is 60457274",
        f'{TRAIN}: 96 frames have 2D joints outside their box',
        f'{TRAIN}: 2D joints differ from the projected 3D joints by up to 3 px',
        f'{TRAIN}: 12 of 96 images are missing',
        'images/S9/',
        f'{TEST}: the cameras of one moment',
    ):
        assert [problem for problem in problems if problem.startswith(expected)], expected


def test_a_subject_in_both_splits(root, drawn):
    (root / TEST).unlink()
    shutil.copy(root / TRAIN, root / TEST)
    problems = check(root, 'problem')
    assert problems == [f"{TEST}: ['S1'] are subjects of both splits: test subjects must not be trained on."]


def test_crops(root, drawn):
    rewrite(root / TRAIN, crop=lambda a: np.tile([0, 0, 128, 128], (96, 1)))
    assert not check(root, 'problem'), 'an image may be stored smaller than its crop'
    assert drawn[0][0].crop.tolist() == [0, 0, 128, 128] and drawn[0][-1].crop is None
    rewrite(root / TRAIN, crop=lambda a: np.tile([0, 0, 64, 48], (96, 1)))
    assert any('does not have the shape of its crop: expected 64 x 48 px' in p for p in check(root, 'problem'))


def test_stores(root, drawn):
    for name, ann_file in (('a', TRAIN), ('b', TEST), ('c', TRAIN)):
        annotation = H36MAnnotation(root / ann_file, root / CAMERAS)
        keypoints = np.zeros((96, 17, 3)) + [*annotation.keypoints.mean(axis=(0, 1)), 0]
        with write_sequence_store(root / 'depth_sequences' / name / 'store', annotation, 'annotation', {}) as writer:
            writer.write(np.arange(96), keypoints, np.ones((96, 17)))
    assert len([line for line in check(root, 'ok') if line.startswith('depth_sequences/')]) == 3
    rewrite(root / TRAIN, scale=lambda a: a['scale'] * 1.01)
    problems = check(root, 'problem')
    assert [problem.split(':')[0] for problem in problems] == ['depth_sequences/a/store', 'depth_sequences/c/store']
    assert all('the store belongs to no annotation of this data root' in problem for problem in problems)


def test_2d_sets_are_checked_if_given(root, tmp_path, drawn):
    assert not check(root, 'problem')
    coco, mpii = check(root, 'problem', coco=tmp_path / 'absent', mpii=tmp_path / 'absent')
    assert 'person_keypoints_train2017.json' in coco and 'mpii_train.json' in mpii
