"""The hook called as MMEngine's test loop calls it."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmengine.visualization import Visualizer
from mmpose.structures import PoseDataSample

from depth_refine.functional.camera import project
from depth_refine.utils.errors import InputError
from depth_refine.visualization import DepthPoseVisualizationHook, visualization_hook
from depth_refine.visualization.pose_strip import draw_strip

SEQUENCE = 'S9_Posing_1.54138969'
CAMERA = dict(
    f=np.array([[200.0], [210.0]]),
    c=np.array([[80.0], [45.0]]),
    k=np.array([[-0.2], [0.2], [0.0]]),
    p=np.array([[-0.001], [-0.002]]),
)


@pytest.fixture(autouse=True)
def visualizer(tmp_path):
    backends = [dict(type='LocalVisBackend')]
    return Visualizer.get_instance(str(tmp_path), vis_backends=backends, save_dir=str(tmp_path / 'vis'))


@pytest.fixture
def runner(tmp_path):
    return SimpleNamespace(work_dir=str(tmp_path / 'work'), timestamp='20200101_000000', iter=0)


@pytest.fixture
def drawn_frames(monkeypatch):
    """Every frame that is drawn."""
    frames = []
    monkeypatch.setattr(
        visualization_hook,
        'draw_strip',
        lambda frame, *args, **kw: frames.append(frame) or draw_strip(frame, *args, **kw),
    )
    return frames


@pytest.fixture
def make_samples(pose, tmp_path):
    """Function that makes the samples of a stage, with one image on disk, that of frame 2."""
    paths = [str(tmp_path / 'images' / f'{SEQUENCE}_{number:06d}.jpg') for number in range(1, 8)]
    (tmp_path / 'images').mkdir()
    cv2.imwrite(paths[1], np.full((90, 160, 3), 128, np.uint8))
    pred = pose + [0, 0, 0.05]
    pred[0] = pose[0]

    def of_stage(stage):
        for path in paths if stage == 1 else [paths]:
            name = 'img_path' if stage == 1 else 'target_img_path'
            sample = PoseDataSample(metainfo={name: path, 'camera_param': CAMERA})
            if stage == 1:
                keypoints = np.concatenate([project(pred, CAMERA), pred[:, 2:] - pose[0, 2]], axis=-1)
                sample.pred_instances = InstanceData(keypoints=keypoints[None])
                sample.gt_instances = InstanceData(keypoints_cam=pose[None])
            else:
                sample.pred_instances = InstanceData(keypoints=torch.as_tensor(pred - pred[0]).repeat(7, 1, 1))
                sample.gt_instances = InstanceData(lifting_target=torch.as_tensor(pose).repeat(7, 1, 1))
            yield sample

    return lambda stage: list(of_stage(stage))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize('stage', [1, 2])
@pytest.mark.parametrize('relative', [True, False])
def test_every_third_frame_of_a_test_is_written(stage, relative, make_samples, runner, tmp_path):
    hook = DepthPoseVisualizationHook(enable=True, interval=3, out_dir='show' if relative else str(tmp_path / 'show'))
    samples = make_samples(stage)
    hook.after_test_iter(runner, 0, {}, samples[:2])
    hook.after_test_iter(runner, 1, {}, samples[2:])
    folder = tmp_path / 'work' / runner.timestamp / 'show' if relative else tmp_path / 'show'
    assert names(folder) == [f'{SEQUENCE}_{number:06d}.png' for number in (1, 4, 7)]
    assert cv2.imread(str(folder / f'{SEQUENCE}_000004.png')).shape[1] == 3 * 340
    assert not (tmp_path / 'vis').exists() or not list((tmp_path / 'vis').rglob('*.png'))


def test_interval_goes_on_across_videos(make_samples, runner, tmp_path):
    second = make_samples(2)[0]
    second.set_metainfo(dict(target_img_path=[path.replace('S9', 'S11') for path in second.target_img_path]))
    hook = DepthPoseVisualizationHook(enable=True, interval=5, out_dir='show')
    hook.after_test_iter(runner, 0, {}, [*make_samples(2), second])
    # frames 0, 5 of the first video, 10 = 7 + 3 of the second
    expected = [SEQUENCE.replace('S9', 'S11') + '_000004.png', f'{SEQUENCE}_000001.png', f'{SEQUENCE}_000006.png']
    assert names(tmp_path / 'work' / runner.timestamp / 'show') == expected


@pytest.mark.parametrize('stage', [1, 2])
def test_both_stages_draw_the_same_poses(stage, make_samples, runner, pose, drawn_frames):
    DepthPoseVisualizationHook(enable=True, interval=1, out_dir='show').after_test_iter(
        runner, 0, {}, make_samples(stage)
    )
    assert [None if frame.image is None else frame.image.shape for frame in drawn_frames] == [
        *(None, (90, 160, 3)),
        *[None] * 5,
    ]
    expected = pose + [0, 0, 0.05]
    expected[0] = pose[0]
    for number, frame in enumerate(drawn_frames, start=1):
        np.testing.assert_allclose(frame.truth, pose)
        np.testing.assert_allclose(frame.relative_predictions()['prediction'], expected - expected[0], atol=1e-6)
        np.testing.assert_allclose(frame.keypoints, project(expected, CAMERA), atol=1e-6)
        assert frame.title == f'{SEQUENCE}_{number:06d}'


def test_video_without_camera_has_no_overlay(make_samples, runner, drawn_frames):
    (sample,) = make_samples(2)
    sample.pop('camera_param')
    DepthPoseVisualizationHook(enable=True, interval=7, out_dir='show').after_test_iter(runner, 0, {}, [sample])
    assert [frame.keypoints for frame in drawn_frames] == [None]


def test_without_folder_pictures_go_to_the_backends(make_samples, runner, tmp_path):
    samples = make_samples(1)
    for hook in (DepthPoseVisualizationHook(enable=True, interval=4), DepthPoseVisualizationHook(interval=1)):
        hook.after_test_iter(runner, 0, {}, samples)
        for batch in range(3):
            hook.after_val_iter(runner, 2 * batch, {}, samples[2 * batch : 2 * batch + 2])
    folder = tmp_path / 'vis' / 'vis_data' / 'vis_image'  # the second hook is not enabled, and draws nothing
    assert names(folder) == ['test_img_0.png', 'test_img_4.png', 'val_img_0.png', 'val_img_4.png']


@pytest.mark.filterwarnings('ignore:The show is True')
def test_show(make_samples, runner, monkeypatch):
    shown, waits = [], []
    monkeypatch.setenv('DISPLAY', ':0')
    monkeypatch.setattr(cv2, 'imshow', lambda window, picture: shown.append(picture.shape))
    monkeypatch.setattr(cv2, 'waitKey', waits.append)
    hook = DepthPoseVisualizationHook(enable=True, interval=4, show=True, wait_time=0.25)
    hook.after_test_iter(runner, 0, {}, make_samples(1))
    assert shown == [(422, 3 * 340, 3)] * 2 and waits == [250, 250]

    def no_windows(window, picture):
        raise cv2.error('The function is not implemented')

    monkeypatch.setattr(cv2, 'imshow', no_windows)
    with pytest.raises(InputError, match='built without windows; write them with --show-dir instead'):
        hook.after_test_iter(runner, 0, {}, make_samples(1))
    monkeypatch.setattr('sys.platform', 'linux')
    monkeypatch.delenv('DISPLAY')
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    with pytest.raises(InputError, match=r'no display is available .* with --show-dir instead'):
        DepthPoseVisualizationHook(enable=True, show=True)
