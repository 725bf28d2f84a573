import pickle
import re
import shutil

import numpy as np
import pytest
from official_h36m import make_official_cameras, write_metadata

from depth_refine.data_tools.preparation import videopose3d
from depth_refine.data_tools.preparation.videopose3d import import_videopose3d
from depth_refine.datasets import H36MAnnotation, H36MDepthSequenceDataset, SequenceStore, load_cameras
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_names import parse_image_name

CAMERA_IDS = ('54138969', '55011271', '58860488', '60457274')
JOINTS = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
LENGTHS = {('S1', 'Directions 1'): 7, ('S1', 'WalkDog'): 11, ('S9', 'Photo 1'): 6}


def pixels(world, camera):
    """Human3.6M's projection, joint by joint."""
    result = np.empty((*world.shape[:2], 2))
    (k1, k2, k3), (p1, p2) = camera['k'].ravel(), camera['p'].ravel()
    for index in np.ndindex(world.shape[:2]):
        x, y, z = camera['R'].T @ (world[index] - camera['T'].ravel())
        x, y = x / z, y / z
        r2 = x * x + y * y
        factor = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + p1 * y + p2 * x
        result[index] = camera['f'].ravel() * (factor * np.array([x, y]) + r2 * np.array([p2, p1]))
    return result + camera['c'].ravel()


@pytest.fixture(scope='module')
def world():
    """Poses of 32 joints, world metres, around the origin of the room."""
    rng = np.random.default_rng(0)
    return {key: rng.normal([0, 0, 1], 0.4, (count, 32, 3)).astype(np.float32) for key, count in LENGTHS.items()}


@pytest.fixture(scope='module')
def cameras(data_root):
    return load_cameras(data_root / 'annotation_body3d/cameras.pkl')


@pytest.fixture(scope='module')
def gt2d(world, cameras):
    return {
        (subject, action): [pixels(joints[:, JOINTS], cameras[subject, name]).astype(np.float32) for name in CAMERA_IDS]
        for (subject, action), joints in world.items()
    }


@pytest.fixture
def raw(tmp_path, world, cameras, gt2d, save_archive):
    folder = tmp_path / 'raw'
    folder.mkdir()
    (folder / 'cameras.pkl').write_bytes(pickle.dumps(cameras))
    save_archive(folder / 'data_3d_h36m.npz', 'positions_3d', world)
    save_archive(folder / 'data_2d_h36m_gt.npz', 'positions_2d', gt2d)
    return folder


def open_annotation(out, split, fps='fps50'):
    return H36MAnnotation(out / f'annotation_body3d/{fps}/h36m_{split}.npz', out / 'annotation_body3d/cameras.pkl')


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def test_annotations(run_tool, raw, tmp_path, world, cameras, gt2d):
    out = tmp_path / 'out'
    ended = run_tool('prepare_h36m', raw, out)
    assert (ended.status, ended.out.splitlines()[-1]) == (0, f'wrote {out}')
    train, test = open_annotation(out, 'train'), open_annotation(out, 'test')
    assert [s.name for s in train.sequences] == [
        f'S1_{action}.{camera}' for action in ('Directions_1', 'WalkDog') for camera in CAMERA_IDS
    ]
    assert [s.action for s in test.sequences] == ['Photo'] * 4
    for annotation, (subject, action), first in ((train, ('S1', 'WalkDog'), 4), (test, ('S9', 'Photo 1'), 0)):
        for index, camera_id in enumerate(CAMERA_IDS):
            camera, rows = cameras[subject, camera_id], annotation.sequences[first + index].rows
            expected = (world[subject, action][:, JOINTS] - camera['T'].ravel()) @ camera['R']
            np.testing.assert_allclose(annotation.keypoints_3d[rows], expected, atol=2e-6)
            np.testing.assert_allclose(annotation.keypoints[rows], gt2d[subject, action][index], atol=1e-3)
            assert annotation.frames[rows].tolist() == list(range(1, len(expected) + 1))
    slow = open_annotation(out, 'train', 'fps10')
    assert slow.frames.tolist() == [1, 6] * 4 + [1, 6, 11] * 4
    fast = {name: row for row, name in enumerate(train.img_names)}
    np.testing.assert_array_equal(slow.keypoints_3d, train.keypoints_3d[[fast[name] for name in slow.img_names]])
    assert load_cameras(out / 'annotation_body3d/cameras.pkl').keys() == cameras.keys()


def test_stores(save_archive, raw, tmp_path, gt2d, monkeypatch):
    """Detections after the last pose are left out; videos are matched by name."""
    noise = np.random.default_rng(1).normal
    longer = {key: [np.concatenate([k, k[-1:]]) for k in cameras] for key, cameras in gt2d.items()}
    noisy = {key: [noise(k, 3).astype(np.float32) for k in cameras] for key, cameras in longer.items()}
    save_archive(raw / 'data_2d_h36m_cpn_ft.npz', 'positions_2d', noisy)
    messages = []
    monkeypatch.setattr(videopose3d, 'print_log', lambda message, logger: messages.append(message))
    import_videopose3d(raw, tmp_path / 'out', [1])
    (message,) = messages
    assert message.startswith('data_2d_h36m_cpn_ft.npz: 12 of 12 videos have more detections than poses, up to 1;')
    for split in ('train', 'test'):
        annotation = open_annotation(tmp_path / 'out', split)
        store = SequenceStore(tmp_path / f'out/depth_sequences/cpn_ft/h36m_{split}', annotation)
        for row, img_name in enumerate(annotation.img_names):
            name = parse_image_name(img_name.decode())
            action = name.sequence.split('_', 1)[1].split('.')[0].replace('_', ' ')
            expected = noisy[name.subject, action][CAMERA_IDS.index(name.camera)][name.frame - 1]
            np.testing.assert_array_equal(store.keypoints[row, :, :2], expected)
        assert np.isnan(store.keypoints[..., 2]).all() and (store.scores == 1).all()
        assert (store.bbox_policy, store.has_depth, store.meta['image_size']) == ('published', False, [64, 64])
        assert store.meta['source']['file'] == 'data_2d_h36m_cpn_ft.npz' and len(store.meta['source']['sha256']) == 64


def test_a_store_of_a_larger_step_for_the_data_set(raw, tmp_path, gt2d):
    import_videopose3d(raw, tmp_path / 'out', [10, 5])
    options = dict(data_root=str(tmp_path / 'out'), seq_len=3, bbox_policy='published', input_source='2d')
    options |= dict(depth_store='depth_sequences/gt/h36m_train')
    dataset = H36MDepthSequenceDataset('annotation_body3d/fps10/h36m_train.npz', **options)
    np.testing.assert_array_equal(dataset.get_data_info(8)['keypoints'], gt2d['S1', 'WalkDog'][0][[0, 0, 5]])


def test_poses_of_17_joints_and_cameras_of_the_output(save_archive, raw, tmp_path, world):
    import_videopose3d(raw, tmp_path / 'out', [1])
    before = tree(tmp_path / 'out')
    save_archive(raw / 'data_3d_h36m.npz', 'positions_3d', {key: joints[:, JOINTS] for key, joints in world.items()})
    (raw / 'cameras.pkl').unlink()
    import_videopose3d(raw, tmp_path / 'out', [1])
    assert tree(tmp_path / 'out') == before


def test_existing_results(save_archive, raw, tmp_path, world, cameras):
    """Equal results are kept, missing ones added, different ones refused."""
    out = tmp_path / 'out'
    import_videopose3d(raw, out, [1])
    before = tree(out)
    times = {path: path.stat().st_mtime_ns for path in out.rglob('*.np*')}
    for path in (out / 'depth_sequences/gt/h36m_test', out / 'annotation_body3d/fps50/h36m_train.npz'):
        path.rename(path.with_name('gone'))
        import_videopose3d(raw, out, [1])
        shutil.rmtree(path.with_name('gone')) if path.is_dir() else path.with_name('gone').unlink()
        assert tree(out) == before
    kept = out / 'annotation_body3d/fps50/h36m_test.npz'
    assert kept.stat().st_mtime_ns == times[kept]
    moved = {key: joints + np.float32(0.01) for key, joints in world.items()}
    save_archive(raw / 'data_3d_h36m.npz', 'positions_3d', moved)
    with pytest.raises(InputError, match=r'h36m_t\w+.npz exists already and differs. Remove it, or give another'):
        import_videopose3d(raw, out, [5, 1])
    (raw / 'cameras.pkl').write_bytes(pickle.dumps({key: dict(c, c=c['c'] + 1) for key, c in cameras.items()}))
    with pytest.raises(InputError, match=r'cameras.pkl exists already and differs'):
        import_videopose3d(raw, out, [5, 1])
    assert tree(out) == before, 'not even the new annotation of step 5'


def test_cameras_of_metadata_xml(raw, tmp_path, world):
    official = make_official_cameras()
    write_metadata(raw / 'metadata.xml', official)
    import_videopose3d(raw, tmp_path / 'out', [1])
    annotation = open_annotation(tmp_path / 'out', 'test')
    for camera_id, sequence in zip(CAMERA_IDS, annotation.sequences, strict=True):
        expected = pixels(world['S9', 'Photo 1'][:, JOINTS], official['S9', camera_id])
        np.testing.assert_allclose(annotation.keypoints[sequence.rows], expected, atol=1e-3)
    assert len(load_cameras(tmp_path / 'out/annotation_body3d/cameras.pkl')) == 44


def test_no_cameras_and_steps(raw, tmp_path):
    with pytest.raises(InputError, match='expected steps of 1 or more, got 0'):
        import_videopose3d(raw, tmp_path / 'out', [1, 0])
    (raw / 'cameras.pkl').unlink()
    message = r'hold no cameras: expected metadata.xml or cameras.pkl in .*raw, or .*out/anno'
    with pytest.raises(InputError, match=message):
        import_videopose3d(raw, tmp_path / 'out', [1])
    assert not (tmp_path / 'out').exists()


def test_too_few_detections(save_archive, raw, tmp_path, gt2d):
    detections = {key: list(value) for key, value in gt2d.items()}
    detections['S1', 'WalkDog'][2] = detections['S1', 'WalkDog'][2][:9]
    save_archive(raw / 'data_2d_h36m_gt.npz', 'positions_2d', detections)
    message = r'data_2d_h36m_gt.npz: expected detections for all 11 poses of S1_WalkDog.58860488, got 9'
    left_out = import_videopose3d(raw, tmp_path / 'out', [1])
    assert list(left_out) == ['data_2d_h36m_gt.npz'] and re.search(message, left_out['data_2d_h36m_gt.npz'])
    assert not (tmp_path / 'out/depth_sequences').exists()


def test_a_foreign_archive_does_not_stop_the_rest(save_archive, raw, tmp_path, gt2d):
    save_archive(raw / 'data_2d_h36m_detectron_pt_coco.npz', 'positions_2d', gt2d, layout_name='coco')
    (raw / 'data_2d_h36m_cut.npz').write_bytes((raw / 'data_2d_h36m_gt.npz').read_bytes()[:999])
    left_out = import_videopose3d(raw, tmp_path / 'out', [1])
    assert sorted(left_out) == ['data_2d_h36m_cut.npz', 'data_2d_h36m_detectron_pt_coco.npz']
    assert "got 'coco'" in left_out['data_2d_h36m_detectron_pt_coco.npz']
    assert [path.name for path in (tmp_path / 'out/depth_sequences').iterdir()] == ['gt']
    assert len(open_annotation(tmp_path / 'out', 'train')) == 4 * (7 + 11)


@pytest.mark.parametrize(
    ('key', 'factor', 'message'),
    [
        (('S1', 'Eating'), 1000, r"S1 'Eating' does not lie in front of camera .* Expected world metres"),
        (('S2', 'Eating'), 1, r"expected subjects of .*, got \['S2'\]"),
        (('S5', 'Eating'), 1, r"the camera file has no camera \('S5', '54138969'\)"),
    ],
)
def test_wrong_units_and_subjects(save_archive, raw, tmp_path, world, key, factor, message):
    save_archive(raw / 'data_3d_h36m.npz', 'positions_3d', {key: factor * world['S1', 'WalkDog']})
    with pytest.raises(InputError, match=message):
        import_videopose3d(raw, tmp_path / 'out', [1])
    assert not (tmp_path / 'out').exists()
