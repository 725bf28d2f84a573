import cdflib
import cv2
import numpy as np

from depth_refine.functional.camera import project, world_to_camera
from depth_refine.synthetic.official_h36m import (
    ALL_SUBJECTS,
    JOINTS_OF_32,
    OfficialTake,
    make_official_cameras,
    takes_of,
    write_cdf,
    write_official_h36m,
    write_video,
)
from depth_refine.utils.h36m_names import action_of


def test_cameras():
    cameras = make_official_cameras(seed=1)
    assert len(cameras) == 44
    for (subject, name), camera in cameras.items():
        assert (camera['w'], camera['h']) == (1000, 1002 if name in ('54138969', '60457274') else 1000)
        for key in 'fckp':
            np.testing.assert_array_equal(camera[key], cameras['S1', name][key])
        standing = project(world_to_camera(np.array([[0, 0, 0.05], [0, 0, 1.8]]), camera), camera)
        assert standing.min() > 0 and standing.max() < 1000
        assert subject == 'S1' or np.abs(camera['T'] - cameras['S1', name]['T']).max() > 1e-3
    assert not np.array_equal(cameras['S1', '54138969']['R'], make_official_cameras(seed=2)['S1', '54138969']['R'])


def test_takes_are_two_of_each_of_15_actions_in_both_spellings():
    for subject in ALL_SUBJECTS:
        actions = [action_of(f'{subject}_{take}.') for take in takes_of(subject)]
        assert len(actions) == 30 and len(set(actions)) == 15
    assert {'TakingPhoto', 'WalkingDog 1'} < set(takes_of('S1')) and {'Photo', 'WalkDog 1'} < set(takes_of('S9'))


def test_cdf(tmp_path):
    poses = np.random.default_rng(0).normal(size=(7, 96)).astype(np.float32)
    for _ in range(2):
        write_cdf(tmp_path / 'deep' / 'a.cdf', poses)
    file = cdflib.CDF(tmp_path / 'deep' / 'a.cdf')
    assert file.cdf_info().zVariables == ['Pose'] and file.varinq('Pose').Data_Type_Description == 'CDF_FLOAT'
    np.testing.assert_array_equal(file.varget('Pose'), poses[None])


def test_video(tmp_path):
    write_video(tmp_path / 'a.mp4', (np.full((48, 64, 3), grey, np.uint8) for grey in (10, 90, 170)))
    capture = cv2.VideoCapture(str(tmp_path / 'a.mp4'))
    assert capture.get(cv2.CAP_PROP_FPS) == 50
    frames = [capture.read()[1] for _ in range(3)]
    assert capture.read()[0] is False
    np.testing.assert_allclose([frame.mean() for frame in frames], [10, 90, 170], atol=4)
    assert frames[0].shape == (48, 64, 3)


def test_tree(tmp_path):
    cameras = make_official_cameras()
    joints = np.random.default_rng(0).uniform([-0.5, -0.5, 0], [0.5, 0.5, 1.8], (3, 17, 3))
    takes = [OfficialTake('S5', 'Posing 1', joints), OfficialTake('S9', 'Photo', joints[:2], video_frames=4)]
    write_official_h36m(tmp_path, takes, cameras)
    assert len(list(tmp_path.rglob('*.cdf'))) == 16 and (tmp_path / 'metadata.xml').is_file()
    camera = cameras['S5', '55011271']
    local = world_to_camera(joints, camera)
    name = 'Posing 1.55011271'
    written_3d = cdflib.CDF(tmp_path / f'S5/MyPoseFeatures/D3_Positions_mono/{name}.cdf').varget('Pose')
    written_2d = cdflib.CDF(tmp_path / f'S5/MyPoseFeatures/D2_Positions/{name}.cdf').varget('Pose')
    assert written_3d.shape == (1, 3, 96) and written_2d.shape == (1, 3, 64)
    np.testing.assert_allclose(written_3d.reshape(3, 32, 3)[:, JOINTS_OF_32], 1000 * local, atol=1e-3)
    np.testing.assert_allclose(written_2d.reshape(3, 32, 2)[:, JOINTS_OF_32], project(local, camera), atol=1e-4)
    assert (cv2.VideoCapture(str(tmp_path / 'S9/Videos/Photo.60457274.mp4')).get(cv2.CAP_PROP_FRAME_COUNT)) == 4
    _, frame = cv2.VideoCapture(str(tmp_path / f'S5/Videos/{name}.mp4')).read()
    assert frame.shape == (1000, 1000, 3)
    for x, y in np.rint(project(local[0], camera)).astype(int):
        assert frame[y, x].mean() > 200, 'a disc at each joint'


def test_without_videos(tmp_path):
    write_official_h36m(tmp_path, [OfficialTake('S5', 'Posing 1', np.ones((2, 17, 3)))], make_official_cameras(), False)
    assert not list(tmp_path.rglob('*.mp4')) and len(list(tmp_path.rglob('*.cdf'))) == 8
