import numpy as np
import pytest
from official_mpi_inf_3dhp import CAMERAS, make_motion, see, write_annot, write_calibration, write_test_set

from depth_refine.data_tools.preparation.mpi_inf_3dhp_files import (
    read_calibration,
    read_test_annotation,
    read_training_annotation,
)
from depth_refine.data_tools.preparation.raw_files import SequenceError


def test_original_calibration(tmp_path):
    """The beginning of S1/Seq1's file projects an annotated joint to its annotated pixel."""
    (tmp_path / 'camera.calibration').write_text(
        'Skeletool Camera Calibration File V1.0\nname          0\n  sensor      10 10\n  size        2048 2048\n'
        '  animated    0\n'
        '  intrinsic   1497.693 0 1024.704 0 0 1497.103 1051.394 0 0 0 1 0 0 0 0 1 \n'
        '  extrinsic   0.9650164 0.00488022 0.262144 -562.8666 -0.004488356 -0.9993728 0.0351275 1398.138 '
        '0.262151 -0.03507521 -0.9643893 3852.623 0 0 0 1 \n  radial      0\n'
    )
    camera = read_calibration(tmp_path / 'camera.calibration')[0]
    joint = np.array([-18.0923, 102.071, 3726.17])
    pixel = joint[:2] / joint[2] * camera['f'][:, 0] + camera['c'][:, 0]
    np.testing.assert_allclose(pixel, [1017.43, 1092.4], atol=0.01)
    assert (camera['w'], camera['h']) == (2048, 2048)
    np.testing.assert_allclose(camera['R'].T @ -camera['T'][:, 0], [-0.5628666, 1.398138, 3.852623], atol=1e-6)
    np.testing.assert_allclose(camera['R'] @ camera['R'].T, np.eye(3), atol=1e-5)


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        (lambda text: '', 'has no cameras: expected name, size, intrinsic, extrinsic and radial of each'),
        (lambda text: text.replace(' 96 80', ' 96', 1), "camera 0: expected 2 finite numbers of 'size'"),
        (lambda text: text[: text.rindex('radial')], "camera 13: expected 1 finite numbers of 'radial'"),
        (
            lambda text: text.replace('intrinsic', 'intrinsic nan', 1),
            "camera 0: expected 16 finite numbers of 'intrins",
        ),
        (lambda text: text.replace('name          0', 'name', 1), "camera 0: expected 1 finite numbers of 'name'"),
        (
            lambda text: text.replace('radial      0', 'radial      0.1', 1),
            'expected radial 0, images without distortion',
        ),
        (
            lambda text: text.replace('extrinsic   ', 'extrinsic   9', 1),
            'camera 0: the extrinsic matrix has no rotation',
        ),
        (lambda text: text.replace('sensor', 'size', 1).replace('10 10', 'ten ten', 1), 'cannot be read'),
    ],
)
def test_damaged_calibration(tmp_path, damage, message):
    path = tmp_path / 'camera.calibration'
    write_calibration(path, CAMERAS)
    path.write_text(damage(path.read_text()))
    with pytest.raises(SequenceError, match=message):
        read_calibration(path)


def test_cells_belong_to_the_cameras_that_the_file_names(tmp_path):
    order = [13, 5, *(number for number in range(13) if number != 5)]
    world = make_motion(3, seed=0)
    write_annot(tmp_path / 'annot.mat', world, [CAMERAS[number] for number in order], cameras=np.array([order]))
    poses = read_training_annotation(tmp_path / 'annot.mat', (5, 0))
    for number in (5, 0):
        pixels, joints, universal = see(world, CAMERAS[number])
        np.testing.assert_allclose(poses[number].poses_2d, pixels, rtol=1e-6)
        np.testing.assert_allclose(poses[number].poses_3d, joints / 1000, rtol=1e-5)
        np.testing.assert_allclose(poses[number].universal, universal / 1000, rtol=1e-5)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(annot3=None), r'has no annot3: expected cameras, frames, annot2, annot3, univ_annot3, got'),
        (dict(frames=np.arange(1, 4)[:, None]), r'expected frames 0, 1, 2 and so on, got \[1, 2, 3\]'),
        (dict(frames=np.zeros((0, 1))), 'expected frames 0, 1, 2 and so on'),
    ],
)
def test_damaged_annotation(tmp_path, changes, message):
    write_annot(tmp_path / 'annot.mat', make_motion(3, seed=0), CAMERAS, **changes)
    with pytest.raises(SequenceError, match=message):
        read_training_annotation(tmp_path / 'annot.mat', (0,))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(annot2=lambda n, cell: cell[:, :-1] if n == 1 else cell),
            r'annot2 of camera 1 of shape \(3, 56\), 2 numb',
        ),
        (dict(univ_annot3=lambda n, cell: cell[:2] if n == 1 else cell), r'univ_annot3 of camera 1 of shape \(3, 84\)'),
        (
            dict(annot3=lambda n, cell: cell + (np.inf if n == 1 else 0)),
            'annot3 of camera 1 holds numbers that are not finite',
        ),
    ],
)
def test_damage_of_one_camera(tmp_path, changes, message):
    write_annot(tmp_path / 'annot.mat', make_motion(3, seed=0), CAMERAS, **changes)
    poses = read_training_annotation(tmp_path / 'annot.mat', (0, 1))
    assert not isinstance(poses[0], SequenceError)
    with pytest.raises(SequenceError, match=message):
        raise poses[1]


def test_cells_for_other_cameras(tmp_path):
    write_annot(tmp_path / 'annot.mat', make_motion(3, seed=0), CAMERAS[:5])
    message = r'annot2 as a cell array with a cell for each of 5 cameras, camera 8 among them, got object \(5, 1\) and'
    with pytest.raises(SequenceError, match=message):
        raise read_training_annotation(tmp_path / 'annot.mat', (8,))[8]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(valid_frame=None),
            r'has no valid_frame: expected annot2, annot3, univ_annot3, valid_frame, act',
        ),
        (
            dict(annot3=np.zeros((3, 17, 1, 4))),
            r'of shape \(3, 17, 1, 4\) \(in MATLAB\) in annot3, .* float64 \(4, 1, 17, 3',
        ),
        (dict(annot2=np.zeros((4, 1, 14, 2))), r'shape \(2, 17, 1, 4\) \(in MATLAB\) in annot2'),
        (dict(valid_frame=np.ones((3, 1))), r'for 3 frames in valid_frame'),
        (dict(valid_frame=np.ones((0, 1))), r'expected 1 to 1000000 frames in valid_frame, got 0'),
        (dict(activity_annotation=np.array([[b'sit']] * 4)), r'\(1, 4\) \(in MATLAB\) in activity_annotation'),
    ],
)
def test_damaged_test_annotation(tmp_path, changes, message):
    folder = write_test_set(tmp_path, 'TS5', (1920, 1080), [True] * 4, seed=0, images=0, **changes)
    with pytest.raises(SequenceError, match=message):
        read_test_annotation(folder / 'annot_data.mat')


def test_rows_of_a_test_annotation_may_be_columns(tmp_path):
    valid = np.array([[0, 1, 1.0]])
    folder = write_test_set(tmp_path, 'TS5', (1920, 1080), [True] * 3, seed=0, images=0, valid_frame=valid)
    _, found, activities = read_test_annotation(folder / 'annot_data.mat')
    assert found.tolist() == [False, True, True] and activities.tolist() == [1, 2, 3]
