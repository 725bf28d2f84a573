import os
import pickle
import shutil

import cv2
import numpy as np
import pytest

from depth_refine.data_tools.checks import data_root as module
from depth_refine.data_tools.checks import frames
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
    """The frames that would be drawn, since a figure takes half a second."""
    drawn = []
    monkeypatch.setattr(module, 'draw_check_figure', lambda frames, path: drawn.append(frames))
    return drawn


def rewrite(path, **changes):
    """Replace arrays of an annotation; each change maps all arrays to the new one, or to None to remove it."""
    arrays = dict(np.load(path))
    arrays.update({key: change(arrays) for key, change in changes.items()})
    path.unlink()
    np.savez(path, **{key: array for key, array in arrays.items() if array is not None})


def check(root, kind, **options):
    findings = check_data(root, 'never.png', **options)
    return [f'{finding.where}: {finding.message}' for finding in findings if finding.kind == kind]


def test_a_good_root(root, body_2d_root, tmp_path):
    before, coco = sorted(root.rglob('*')), body_2d_root / 'coco'
    findings = check_data(root, tmp_path / 'a.png', coco=coco)
    assert {finding.kind for finding in findings} == {'ok', 'note'}
    assert [finding.where for finding in findings if finding.kind == 'ok'] == [
        *[CAMERAS, *[TRAIN] * 4, *[TEST] * 4],
        *[str(coco / 'annotations/person_keypoints_train2017.json'), str(tmp_path / 'a.png')],
    ]
    assert cv2.imread(str(tmp_path / 'a.png')).std() > 20
    assert sorted(root.rglob('*')) == before, 'nothing is written into the data root'


def test_frames_to_draw(root, drawn):
    for seed in (1, 1, 2):
        check(root, 'ok', seed=seed)
    titles = [[frame.title for frame in each] for each in drawn]
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
    layout, coco, mpii = check(tmp_path, 'problem', coco=tmp_path, mpii=tmp_path)
    assert layout.startswith('annotation_body3d: no annotation of Human3.6M: expected fps50/h36m_train.npz')
    assert layout.endswith('by the config that reads them: python tools/check_data.py CONFIG.py')
    assert 'person_keypoints_train2017.json' in coco and 'mpii_train.json' in mpii
    assert drawn == []


def test_an_unreadable_annotation_does_not_stop_the_rest(root, drawn):
    rewrite(root / TRAIN, S=lambda a: a['S'] * np.nan)
    (problem,) = check(root, 'problem')
    assert problem.startswith(f'{TRAIN}: ') and "'S' is not finite in 96 of 96 rows" in problem
    assert f'{TEST}: every image is there' in check(root, 'ok')
    (root / TRAIN).unlink()
    assert 'annotation_body3d/fps50: holds test of train, test' in check(root, 'note')


def test_every_kind_of_check_runs(root, drawn):
    cameras = load_cameras(root / CAMERAS)
    cameras['S9', '54138969'].update(T=cameras['S9', '54138969']['T'] + 1, id='60457274')
    (root / CAMERAS).unlink()
    (root / CAMERAS).write_bytes(pickle.dumps(cameras))
    rewrite(root / TRAIN, part=lambda a: a['part'] + [3, 0, 0])
    for path in (root / 'images/S9').rglob('*.jpg'):
        path.unlink()
        path.write_bytes(b'no image')
    shutil.rmtree(next((root / 'images/S1').iterdir()))
    problems = check(root, 'problem')
    for expected in (
        f"{CAMERAS}: 1 of 8 cameras, first ('S9', '54138969'): its id is 60457274",
        f'{TRAIN}: 2D joints differ from the projected 3D joints by up to 3 px',
        f'{TRAIN}: 12 of 96 images are missing',
        'images/S9/',
        f'{TEST}: the cameras of one moment',
    ):
        assert [problem for problem in problems if problem.startswith(expected)], expected


def add(key, where, value):
    def added(arrays):
        arrays[key][where] += value
        return arrays[key]

    return {key: added}


def rename(number, other):
    return dict(imgname=lambda a: np.char.replace(a['imgname'], f'{number:06d}.jpg', f'{other:06d}.jpg'))


GAPS = 'frame numbers have gaps (expected steps of 1) in 8 of 8 videos, first S1_Walking_1.54138969, from'


@pytest.mark.parametrize(
    ('changes', 'kind', 'message'),
    [
        (add('S', np.s_[:5, 0, 2], 0.002), 'problem', 'more than 1 mm from the middle of the hips in 5 frames'),
        (add('scale', np.s_[91:], -0.1), 'problem', '5 frames have 2D joints outside their box.'),
        (add('part', np.s_[:48, 16, 1], 65), 'note', f'{0.5 / 17:.2%} of the joints lie outside the image'),
        (add('S', np.s_[:, 10, 2], 1.4), 'note', f'{1 / 17:.2%} of the joints lie more than 750 mm nearer or farther'),
        (dict(crop=lambda a: np.tile([0, 0, 64, 30], (96, 1))), 'problem', 'in the image but outside their crop.'),
        (dict(crop=lambda a: np.tile([0, 0, 64, 48], (96, 1))), 'problem', 'ratio of its crop: expected 64 x 48 px'),
        (rename(12, 11), 'problem', 'frame 11 of S1_Walking_1.54138969 is there twice, the second time in row 11.'),
        (rename(12, 20), 'problem', f'{GAPS} 11 to 20. Motion jumps there'),
        (rename(1, 0), 'note', 'frame numbers do not start at 1 in 8 of 8 videos, first S1_Walking_1.54138969'),
        (
            {},
            'note',
            "than Human3.6M's: S1 96, not 248,376; S5, S6, S7, S8 absent. This is normal for a part",
        ),
    ],
)
def test_frames(root, drawn, changes, kind, message):
    rewrite(root / TRAIN, **changes)
    assert [found for found in check(root, kind) if message in found]


@pytest.mark.parametrize(('folder', 'step'), [('fps10', 5), ('fps16.6667', 3), ('fpsx', 1)])
@pytest.mark.parametrize('error', [0, 1])
def test_steps_are_those_of_the_folder(root, drawn, folder, step, error):
    def numbered(arrays):
        return np.array(
            [f'{n[:-10]}{(step + error) * (int(n[-10:-4]) - 1) + 1:06d}.jpg' for n in arrays['imgname'].tolist()]
        )

    rate = None if folder == 'fpsx' else 50 / step
    rewrite(root / TRAIN, imgname=numbered, frame_rate=lambda arrays: rate and np.full(len(arrays['scale']), rate))
    (root / TEST).unlink()
    (root / TRAIN).parent.rename(root / 'annotation_body3d' / folder)
    gaps = [found for found in check(root, 'problem') if 'frame numbers have gaps' in found]
    assert [f'(expected steps of {step}) in 8 of 8 videos' in gap for gap in gaps] == [True] * error
    assert any('(fps50): 50 is assumed' in note for note in check(root, 'note')) == (folder == 'fpsx')


@pytest.mark.parametrize(('official', 'n'), [({('S1',): 96}, 0), ({('S1', 'S11'): 7396}, 0), ({('S1', 'S2'): 7396}, 1)])
def test_official_counts(root, drawn, monkeypatch, official, n):
    """S11 Directions, of 4 times 1825 frames, may be missing."""
    monkeypatch.setattr(frames, 'OFFICIAL_FRAMES', official)
    monkeypatch.setattr(frames, 'SPLITS', dict(train=('S1',), test=('S9',)))
    assert len([note for note in check(root, 'note') if 'other numbers of frames' in note]) == n


def test_a_subject_in_both_splits(root, drawn):
    (root / TEST).unlink()
    shutil.copy(root / TRAIN, root / TEST)
    problems = check(root, 'problem')
    assert problems == [f"{TEST}: ['S1'] are subjects of both splits: test subjects must not be trained on."]


def test_crops(root, drawn):
    rewrite(root / TRAIN, crop=lambda a: np.tile([0, 0, 128, 128], (96, 1)))
    assert not check(root, 'problem'), 'an image may be stored smaller than its crop'
    assert drawn[0][0].crop.tolist() == [0, 0, 128, 128] and drawn[0][-1].crop is None


def test_stores(root, drawn):
    for name, ann_file in (('a', TRAIN), ('b', TEST)):
        annotation = H36MAnnotation(root / ann_file, root / CAMERAS)
        keypoints = np.zeros((96, 17, 3)) + [*annotation.keypoints.mean(axis=(0, 1)), 0]
        with write_sequence_store(root / 'depth_sequences' / name / 'store', annotation, 'annotation', {}) as writer:
            writer.write(np.arange(96), keypoints, np.ones((96, 17)))
    assert len([line for line in check(root, 'ok') if line.startswith('depth_sequences/')]) == 2
    rewrite(root / TRAIN, scale=lambda a: a['scale'] * 1.01)
    np.save(root / 'depth_sequences/b/store/scores.npy', np.zeros((96, 17), np.float32))
    for name, content in (('c', '{'), ('d', '[1]'), ('e', '{"annotation": {}}')):
        (root / 'depth_sequences' / name).mkdir()
        (root / 'depth_sequences' / name / 'store.json').write_text(content)
    stray = ': the store belongs to no annotation that is checked, or is missing or damaged. Regenerate it.'
    damaged, *strays = check(root, 'problem')
    assert damaged.startswith('depth_sequences/b/store: ') and 'scores.npy is not as it was written' in damaged
    assert strays == [f'depth_sequences/{name}{stray}' for name in ('a/store', 'c', 'd', 'e')]
