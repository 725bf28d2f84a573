import numpy as np
import pytest
from official_mpi_inf_3dhp import CAMERAS, make_camera, make_motion, write_calibration, write_recording, write_test_set

from depth_refine.data_tools.preparation import mpi_inf_3dhp_videos
from depth_refine.data_tools.preparation.mpi_inf_3dhp_facts import MIRRORED_JOINTS, Recording
from depth_refine.data_tools.preparation.mpi_inf_3dhp_videos import VideoKey, inspect_folder
from depth_refine.data_tools.preparation.raw_files import SequenceError

S4, TS5 = VideoKey('S4', 'Seq2'), VideoKey('TS5')
VALID = [False, True, True, False, True]


def inspect(folder, key, joints=17):
    return inspect_folder(folder, key, joints, images=False, crops=False)


def interchange(number, cell):
    """Interchange left and right in the frames 2 to 4, from 0."""
    joints = cell.reshape(len(cell), 28, -1).copy()
    joints[2:5] = joints[2:5][:, MIRRORED_JOINTS]
    return joints.reshape(cell.shape)


@pytest.mark.parametrize('is_interchanged', [True, False])
@pytest.mark.parametrize('joints', [17, 28])
def test_left_and_right_are_put_right_where_they_are_interchanged(tmp_path, monkeypatch, is_interchanged, joints):
    monkeypatch.setitem(mpi_inf_3dhp_videos.INTERCHANGED, tuple(S4[:2]), (2, 5))
    changes = dict.fromkeys(('annot2', 'annot3', 'univ_annot3'), interchange) if is_interchanged else {}
    damaged = inspect(write_recording(tmp_path, 'S4/Seq2', 7, 0, videos=False, **changes), S4, joints)
    sound = inspect(write_recording(tmp_path, 'sound', 7, 0, videos=False), S4, joints)
    for key, video in sound.items():
        for name in ('poses_2d', 'poses_3d', 'universal'):
            np.testing.assert_array_equal(getattr(damaged[key], name), getattr(video, name))
        note = 'left and right, interchanged in frames 3 to 5, were put right'
        other = 'left and right are known to be interchanged in frames 3 to 5, but are not in this file'
        assert (note if is_interchanged else other) in damaged[key].note


def test_a_sequence_ends_with_its_videos(tmp_path, monkeypatch):
    monkeypatch.setitem(mpi_inf_3dhp_videos.RECORDINGS, ('S1', 'Seq1'), Recording(3, 25))
    found = inspect(write_recording(tmp_path, 'S1/Seq1', 5, 0, videos=False), VideoKey('S1', 'Seq1'))
    assert all(len(video.poses_2d) == len(video.universal) == 3 and video.note is None for video in found.values())


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(annot3=lambda n, cell: cell / 1000), r'annot3, divided by 1000, .*: expected millimetres in the file'),
        (dict(annot3=lambda n, cell: cell * 1000), r'annot3, divided by 1000, .*: expected millimetres in the file'),
        (dict(univ_annot3=lambda n, cell: cell * 1000), r'univ_annot3, divided by 1000, .*: expected millimetres'),
        (dict(annot3=lambda n, cell: -cell), r'annot3 has joints behind the camera, at z = -'),
        (
            dict(annot2=lambda n, cell: cell + 9),
            r'annot3 of camera \d is projected 12.7 px \(median\) away from annot2',
        ),
    ],
)
def test_other_units_and_files_that_do_not_agree(tmp_path, changes, message):
    found = inspect(write_recording(tmp_path, 'S1/Seq1', 3, 0, videos=False, **changes), VideoKey('S1', 'Seq1'))
    assert len(found) == 8
    for error in found.values():
        with pytest.raises(SequenceError, match=message):
            raise error


def test_a_camera_without_calibration(tmp_path):
    folder = write_recording(tmp_path, 'S1/Seq1', 3, 0, videos=False)
    write_calibration(folder / 'camera.calibration', CAMERAS[:8])
    *others, error = inspect(folder, VideoKey('S1', 'Seq1')).values()
    assert 'camera.calibration has no camera 8' in str(error) and not any(isinstance(o, SequenceError) for o in others)


def test_camera_of_a_test_set(tmp_path):
    """It is fitted only to frames that are evaluated; others may have any values."""
    folder = write_test_set(tmp_path, 'TS5', (1920, 1080), VALID, seed=3, images=0)
    sound = inspect(folder, TS5)[TS5]
    intrinsic, _ = make_camera(3, (1920, 1080))
    np.testing.assert_allclose(sound.camera['f'][:, 0], [intrinsic[0, 0], intrinsic[1, 1]], rtol=1e-5)
    np.testing.assert_allclose(sound.camera['c'][:, 0], intrinsic[:2, 2], atol=0.01)
    assert 'camera fitted to its poses, 0.00 px (median) off' in sound.note

    joints, zeros = sound.poses_3d[:, None] * 1000, np.array([1, 1, 1, 0, 1])[:, None, None, None]
    annot3 = np.where(np.array([1, 0, 0, 0, 0])[:, None, None, None], np.nan, joints * zeros)
    other = write_test_set(tmp_path / 'other', 'TS5', (1920, 1080), VALID, seed=3, images=0, annot3=annot3)
    found = inspect(other, TS5)[TS5]
    assert '2 frames without a pose, none of them evaluated, get that of the nearest frame with one' in found.note
    for name in ('poses_2d', 'poses_3d', 'universal'):
        np.testing.assert_allclose(getattr(found, name), getattr(sound, name)[[1, 1, 2, 2, 4]], rtol=1e-5, atol=1e-6)
    assert found.evaluated.tolist() == VALID


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(valid_frame=np.zeros((5, 1))), 'valid_frame marks no frame for evaluation'),
        (dict(activity_annotation=np.full((5, 1), 8)), r'expected activities from 1 to 7, got 8 in frame 2'),
        (dict(annot2=np.full((5, 1, 17, 2), np.nan)), 'numbers that are not finite in valid frames'),
        (
            dict(annot2=np.random.default_rng(0).uniform(0, 900, (5, 1, 17, 2))),
            r'annot3, with the camera that fits best, ',
        ),
        (dict(annot3=np.full((5, 1, 17, 3), [0, 0, -4000.0])), 'annot3 has joints behind the camera'),
        (
            dict(annot3=np.full((5, 1, 17, 3), [0, 0, 4.0])),
            'annot3, divided by 1000, .*: expected millimetres in the file',
        ),
    ],
)
def test_damaged_test_set(tmp_path, changes, message):
    folder = write_test_set(tmp_path, 'TS5', (1920, 1080), VALID, seed=3, images=0, **changes)
    with pytest.raises(SequenceError, match=message):
        inspect(folder, TS5)


def test_activities_of_frames_that_are_not_evaluated_may_be_none(tmp_path):
    numbers = np.array([0, 7, 1, 9, 2])[:, None]
    folder = write_test_set(tmp_path, 'TS5', (1920, 1080), VALID, 0, images=0, activity_annotation=numbers)
    found = inspect(folder, TS5)[TS5]
    assert found.activities.tolist() == ['', 'Miscellaneous', 'Standing/Walking', '', 'Exercising']
    assert len(make_motion(5, 0)) == len(found.poses_2d)
