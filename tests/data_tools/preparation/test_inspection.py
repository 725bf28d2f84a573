import numpy as np
import pytest
from official_h36m import write_cdf

from depth_refine.data_tools.preparation.inspection import inspect_sequence
from depth_refine.data_tools.preparation.raw_h36m import SequenceError
from depth_refine.functional.camera import project, world_to_camera

KEY = ('S1', '58860488')


@pytest.fixture
def files(official_h36m):
    name = 'Directions 1.58860488'
    return {
        '2D poses': official_h36m / f'S1/MyPoseFeatures/D2_Positions/{name}.cdf',
        '3D poses': official_h36m / f'S1/MyPoseFeatures/D3_Positions_mono/{name}.cdf',
        'video': official_h36m / f'S1/Videos/{name}.mp4',
    }


def test_values(files, official_takes, official_cameras):
    camera = official_cameras[KEY]
    sequence = inspect_sequence(files, camera, crops=True)
    joints = world_to_camera(official_takes[0].joints, camera)
    np.testing.assert_allclose(sequence.poses_3d, joints, atol=1e-6)
    np.testing.assert_allclose(sequence.poses_2d, project(joints, camera), atol=1e-4)
    assert sequence.crops.windows.shape == (5, 4)
    assert sequence.video.frames == 5 and sequence.video.image_bytes < sequence.video.full_bytes
    assert sequence.note is None


def test_neither_crops_nor_video(files, official_cameras):
    del files['video']
    sequence = inspect_sequence(files, official_cameras[KEY], crops=False)
    assert sequence.crops is None and sequence.video is None


@pytest.mark.parametrize(('frames_2d', 'frames_3d'), [(60, 11), (11, 60)])
def test_lengths_differ_by_less_than_a_second(tmp_path, official_cameras, frames_2d, frames_3d):
    files = write_poses(tmp_path, frames_2d, frames_3d, official_cameras[KEY])
    sequence = inspect_sequence(files, official_cameras[KEY], crops=True)
    assert len(sequence.poses_2d) == len(sequence.poses_3d) == len(sequence.crops.windows) == 11
    assert sequence.note == f'{frames_2d} frames of 2D poses, {frames_3d} of 3D poses: the first 11 are used'


def test_lengths_differ_by_a_second(tmp_path, official_cameras):
    files = write_poses(tmp_path, 61, 11, official_cameras[KEY])
    with pytest.raises(SequenceError, match='61 frames of 2D poses, 11 of 3D poses: download or unpack them again'):
        inspect_sequence(files, official_cameras[KEY], crops=False)


def write_poses(folder, frames_2d, frames_3d, camera):
    joints = np.random.default_rng(0).uniform([-1, -1, 4], [1, 1, 6], (max(frames_2d, frames_3d), 32, 3))
    write_cdf(folder / '2.cdf', project(joints, camera)[:frames_2d].reshape(frames_2d, -1))
    write_cdf(folder / '3.cdf', 1000 * joints[:frames_3d].reshape(frames_3d, -1))
    return {'2D poses': folder / '2.cdf', '3D poses': folder / '3.cdf'}


def test_files_of_different_cameras(files, official_cameras):
    files['2D poses'] = files['2D poses'].with_name('Directions 1.54138969.cdf')
    with pytest.raises(SequenceError, match=r'the 3D poses are projected up to .* px away from the 2D poses'):
        inspect_sequence(files, official_cameras[KEY], crops=False)
