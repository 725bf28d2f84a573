import pickle
import shutil

import cv2
import h5py
import numpy as np
import pytest
from official_mpi_inf_3dhp import CAMERAS, TO_17, VIDEOS, make_motion, write_annot, write_video
from scipy.io import loadmat

from depth_refine.data_tools.preparation import mpi_inf_3dhp_videos
from depth_refine.data_tools.preparation.mpi_inf_3dhp import prepare_mpi_inf_3dhp
from depth_refine.data_tools.preparation.mpi_inf_3dhp_videos import VideoKey
from depth_refine.functional.camera import project, world_to_camera
from depth_refine.utils.errors import InputError

TEST_SETS = 'mpi_inf_3dhp_test_set/mpi_inf_3dhp_test_set'


def training_truth(folder, camera, joints, key, size):
    """Joints (T, J, size) of one camera, read as the README describes ``annot.mat``: one number at a time."""
    mat = loadmat(folder / 'annot.mat')
    (row,) = np.flatnonzero(mat['cameras'][0] == camera)
    cell = mat[key][row][0]
    return np.array([[[cell[t, size * j + i] for i in range(size)] for j in joints] for t in range(len(mat['frames']))])


def test_truth(folder, key, size):
    """Joints (T, 17, size) of a test set; the axes of HDF5 are MATLAB's in reversed order."""
    with h5py.File(folder / 'annot_data.mat') as file:
        matlab = file[key][()].T  # (size, 17, 1, T)
    return np.array([[[matlab[i, j, 0, t] for i in range(size)] for j in range(17)] for t in range(matlab.shape[3])])


test_truth.__test__ = False


def read(out, name, rate='25'):
    with np.load(out / f'annotation_body3d/fps{rate}/mpi_inf_3dhp{name}.npz') as file:
        return dict(file)


def rows_of(annotation, name):
    return np.flatnonzero(annotation['sequence'] == name)


@pytest.mark.parametrize(
    ('name', 'rate', 'frames'),
    [('S1_Seq1', '25', [1, 2, 3, 4, 5]), ('S3_Seq2', '25', [1, 3, 5]), ('S3_Seq2', '50', [1, 2, 3, 4, 5, 6])],
)
def test_training_set(official_mpi_inf_3dhp, mpi_prepared, name, rate, frames):
    out, _ = mpi_prepared
    folder, taken = official_mpi_inf_3dhp / name.replace('_', '/'), np.array(frames) - 1
    annotation, universal = read(out, '_train', rate), read(out, '_universal_train', rate)
    for key in annotation.keys() - {'S'}:
        np.testing.assert_array_equal(annotation[key], universal[key])
    assert np.all(annotation['frame_rate'] == float(rate)) and np.all(annotation['action'] == '')
    subject = name.split('_')[0]
    for camera in VIDEOS:
        video = f'{name}_Cam{camera}'
        rows = rows_of(annotation, video)
        assert annotation['frame'][rows].tolist() == frames
        assert set(annotation['camera'][rows]) == {video} and set(annotation['subject'][rows]) == {subject}
        names = [f'{subject}/{video}/{video}_{frame:06d}.jpg' for frame in frames]
        assert annotation['imgname'][rows].tolist() == names
        truth_2d, truth_3d, truth_universal = (
            training_truth(folder, camera, TO_17, key, size)[taken]
            for key, size in (('annot2', 2), ('annot3', 3), ('univ_annot3', 3))
        )
        np.testing.assert_allclose(annotation['part'][rows, :, :2], truth_2d, atol=1e-4)
        np.testing.assert_allclose(annotation['S'][rows, :, :3], truth_3d / 1000, atol=1e-6)
        joints, root = universal['S'][rows, :, :3], truth_universal[:, 14:15]
        np.testing.assert_allclose(joints - joints[:, 14:15], (truth_universal - root) / 1000, atol=2e-6)
        np.testing.assert_allclose(joints[:, 14], truth_3d[:, 14] / 1000, atol=1e-6)
        assert np.all(annotation['part'][rows, :, 2] == 1) and np.all(annotation['S'][rows, :, 3] == 1)


def test_cameras_see_the_world(mpi_prepared):
    out, _ = mpi_prepared
    cameras = pickle.loads((out / 'annotation_body3d/cameras.pkl').read_bytes())
    annotation, world = read(out, '_train'), make_motion(5, seed=1)[:, TO_17] / 1000
    for camera in VIDEOS:
        name = f'S1_Seq1_Cam{camera}'
        joints = world_to_camera(world, cameras[name])
        np.testing.assert_allclose(annotation['S'][rows_of(annotation, name), :, :3], joints, atol=1e-5)
        pixels = project(joints, cameras[name])
        np.testing.assert_allclose(annotation['part'][rows_of(annotation, name), :, :2], pixels, atol=1e-3)
        assert (cameras[name]['w'], cameras[name]['h']) == (96, 80)
    assert cameras.keys() == {*annotation['camera'], 'TS1', 'TS6'}


@pytest.mark.parametrize(('name', 'size', 'evaluated'), [('TS1', (2048, 2048), [2, 4]), ('TS6', (1920, 1080), [1, 3])])
def test_test_set(official_mpi_inf_3dhp, mpi_prepared, name, size, evaluated):
    """Every frame is annotated, since windows need them; invalid frames have no true 3D joints."""
    out, _ = mpi_prepared
    folder, annotation = official_mpi_inf_3dhp / TEST_SETS / name, read(out, '_test')
    rows = rows_of(annotation, name)
    np.testing.assert_allclose(annotation['part'][rows, :, :2], test_truth(folder, 'annot2', 2), atol=1e-3)
    np.testing.assert_allclose(annotation['S'][rows, :, :3], test_truth(folder, 'annot3', 3) / 1000, atol=1e-6)
    for kind in ('_test', '_universal_test'):
        visible = read(out, kind)['S'][rows, :, 3]
        assert annotation['frame'][rows][visible.all(axis=1)].tolist() == evaluated
        assert np.all(visible.any(axis=1) == visible.all(axis=1))
    truth = test_truth(folder, 'univ_annot3', 3) / 1000
    joints = read(out, '_universal_test')['S'][rows, :, :3]
    np.testing.assert_allclose(joints - joints[:, 14:15], truth - truth[:, 14:15], atol=2e-6)
    activities = ['Standing/Walking', 'Exercising', 'Sitting', 'Reaching/Crouching']
    assert annotation['action'][rows].tolist() == activities[: len(rows)]
    camera = pickle.loads((out / 'annotation_body3d/cameras.pkl').read_bytes())[name]
    np.testing.assert_allclose(
        project(annotation['S'][rows, :, :3], camera), annotation['part'][rows, :, :2], atol=0.01
    )
    assert (camera['w'], camera['h']) == size and not {'R', 'T'} & camera.keys()
    for frame in range(1, len(rows) + 1):
        original = folder / f'imageSequence/img_{frame:06d}.jpg'
        assert (out / f'images/{name}/{name}/{name}_{frame:06d}.jpg').read_bytes() == original.read_bytes()


def test_images_are_those_of_the_videos(mpi_prepared):
    for name in ('S1/S1_Seq1_Cam4/S1_Seq1_Cam4', 'S3/S3_Seq2_Cam8/S3_Seq2_Cam8'):
        for frame in range(1, 6):
            image = cv2.imread(str(mpi_prepared[0] / f'images/{name}_{frame:06d}.jpg'))
            assert image.shape == (80, 96, 3) and image.mean() == pytest.approx(40 + 20 * (frame - 1), abs=4)


def test_report(mpi_prepared):
    out, outcome = mpi_prepared
    assert (out / 'preparation_report.txt').read_text() == f'{outcome}\n' and not outcome.errors
    lines = {line.split()[0]: line.split()[1:] for line in str(outcome).splitlines() if line}
    assert lines['S1_Seq1'] == ['5'] * 8 + ['6416', '25'] and lines['S3_Seq2'] == ['6'] * 8 + ['12283', '50']
    assert lines['S2_Seq1'] == ['-'] * 8 + ['6502', '25'] and lines['TS1'] == ['4', '6151', '2', '603']
    assert lines['fps25/mpi_inf_3dhp_train.npz'] == ['24', '96'] and lines['fps25/mpi_inf_3dhp_test.npz'] == ['2', '7']
    assert lines['fps50/mpi_inf_3dhp_universal_train.npz'] == ['8', '48']
    assert not (out / 'annotation_body3d/fps50/mpi_inf_3dhp_test.npz').exists(), 'no test set has 50 frames a second'
    assert 'Videos that go on after the last pose: 1, most of all\n  TS1: by 2 frames' in str(outcome)


@pytest.mark.parametrize('workers', [1, pytest.param(2, marks=pytest.mark.slow)])
def test_again_and_in_processes(digests, mpi_prepared, official_mpi_inf_3dhp, tmp_path, workers):
    out = shutil.copytree(mpi_prepared[0], tmp_path / 'out') if workers == 1 else tmp_path / 'out'
    prepare_mpi_inf_3dhp(official_mpi_inf_3dhp, out, rates=[50, 25], workers=workers)
    assert digests(out) == digests(mpi_prepared[0])


def test_28_joints_at_another_rate(official_mpi_inf_3dhp, tmp_path):
    outcome = prepare_mpi_inf_3dhp(official_mpi_inf_3dhp, tmp_path, [16.667], joints=28, images=False, workers=1)
    assert [path.parent.name for path in tmp_path.rglob('*.npz')] == ['fps16.6667'] * 2
    train = read(tmp_path, '_28_train', '16.6667')
    assert train['part'].shape == (2 * 8, 28, 3) and train['frame_rate'][0] == pytest.approx(50 / 3)
    truth = training_truth(official_mpi_inf_3dhp / 'S3/Seq2', 5, range(28), 'annot3', 3)[[0, 3]] / 1000
    np.testing.assert_allclose(train['S'][rows_of(train, 'S3_Seq2_Cam5'), :, :3], truth, atol=1e-6)
    assert 'test set' not in str(outcome)
    prepare_mpi_inf_3dhp(official_mpi_inf_3dhp, tmp_path, joints=28, images=False, workers=1)
    assert set(read(tmp_path, '_28_universal_test')['subject']) == {'S8'}, 'the test sets have 17 joints'
    assert set(read(tmp_path, '_28_train')['subject']) == {'S1', 'S3'}


def test_crops(mpi_raw, tmp_path):
    for name in ('S1', 'S8', TEST_SETS + '/TS1'):
        shutil.rmtree(mpi_raw / name)
    prepare_mpi_inf_3dhp(mpi_raw, tmp_path / 'out', crops=True, workers=1)
    for annotation in (read(tmp_path / 'out', '_train'), read(tmp_path / 'out', '_universal_test')):
        for name, (x1, y1, x2, y2), joints in zip(*(annotation[k] for k in ('imgname', 'crop', 'part')), strict=True):
            height, width = cv2.imread(str(tmp_path / 'out/images' / name)).shape[:2]
            assert 0 < width <= x2 - x1 and 0 < height <= y2 - y1
            assert np.all(joints[:, :2] >= [x1, y1]) and np.all(joints[:, :2] <= [x2, y2])
    with pytest.raises(
        InputError, match='was begun with person crops of 17 joints, not with person crops of 28 joints'
    ):
        prepare_mpi_inf_3dhp(mpi_raw, tmp_path / 'out', crops=True, joints=28, workers=1)


@pytest.mark.parametrize(
    ('damage', 'lost', 'message'),
    [
        (
            lambda raw: (raw / 'S1/Seq1/annot.mat').unlink(),
            'S1_Seq1',
            'annot.mat is not readable as MATLAB file before',
        ),
        (lambda raw: (raw / 'S1/Seq1/camera.calibration').unlink(), 'S1_Seq1', 'camera.calibration cannot be read'),
        (
            lambda raw: (raw / 'S1/Seq1/imageSequence/video_5.avi').unlink(),
            'S1_Seq1_Cam5',
            r'no .*video_5.avi: unpack imageSequence/\*.zip, or leave images out with --no-images',
        ),
        (
            lambda raw: (raw / 'S1/Seq1/imageSequence/video_5.avi').write_bytes(b'RIFF'),
            'S1_Seq1_Cam5',
            'video_5.avi cannot be decoded: download or unpack it again',
        ),
        (
            lambda raw: write_annot(raw / 'S1/Seq1/annot.mat', make_motion(60, 1), CAMERAS),
            *('S1_Seq1_Cam0', 'video_0.avi ends after 5 of 60 frames'),
        ),
        (
            lambda raw: (raw / f'{TEST_SETS}/TS1/annot_data.mat').write_bytes(b'MATLAB 7.3'),
            'TS1',
            'annot_data.mat is not readable as MATLAB file of version 7.3',
        ),
        (
            lambda raw: (raw / f'{TEST_SETS}/TS1/imageSequence/img_000001.jpg').write_bytes(b''),
            'TS1',
            'imageSequence cannot be decoded',
        ),
    ],
)
def test_damage_of_one_sequence_does_not_affect_others(mpi_raw, mpi_prepared, tmp_path, damage, lost, message):
    damage(mpi_raw)
    outcome = prepare_mpi_inf_3dhp(mpi_raw, tmp_path / 'out', workers=1)
    (key, *others) = outcome.errors
    assert key.name == lost and (message.startswith('video_0') or not others)
    with pytest.raises(InputError, match=message):
        raise InputError(outcome.errors[key])
    kept = set(mpi_prepared[1].frames) - set(outcome.frames)
    assert all(video.name.startswith(lost.removesuffix('_Cam0')) for video in kept) and outcome.frames
    assert 'x' in next(line for line in str(outcome).splitlines() if line.startswith(lost.split('_Cam')[0])).split()
    assert not list((tmp_path / 'out').glob(f'images/*/{lost}*')) and not list((tmp_path / 'out').rglob('*partial*'))


def test_a_video_known_to_be_short(mpi_raw, tmp_path, monkeypatch):
    monkeypatch.setitem(mpi_inf_3dhp_videos.SHORT_VIDEOS, ('S1', 'Seq1', 2), 3)
    write_video(mpi_raw / 'S1/Seq1/imageSequence/video_2.avi', 3)
    outcome = prepare_mpi_inf_3dhp(mpi_raw, tmp_path / 'out', workers=1)
    video = VideoKey('S1', 'Seq1', 'Cam2')
    assert outcome.frames[video] == 3 and not outcome.errors
    assert 'its video is known to end after 3 frames' in outcome.notes[video]


def test_nothing_of_mpi_inf_3dhp(tmp_path, official_mpi_inf_3dhp):
    (tmp_path / 'raw/S9/Seq1').mkdir(parents=True)
    with pytest.raises(
        InputError, match='holds no sequence of MPI-INF-3DHP: expected the original folders S1/Seq1, with'
    ):
        prepare_mpi_inf_3dhp(tmp_path / 'raw', tmp_path / 'out')
    for rate in (30, 0, 100, float('nan')):
        with pytest.raises(
            InputError, match=r'no recording can be annotated at .* frames a second: expected 25, 50 or'
        ):
            prepare_mpi_inf_3dhp(official_mpi_inf_3dhp, tmp_path / 'out', [25, rate])
    with pytest.raises(InputError, match='expected 17 or 28 joints, got 16'):
        prepare_mpi_inf_3dhp(official_mpi_inf_3dhp, tmp_path / 'out', joints=16)
    assert not (tmp_path / 'out').exists()
