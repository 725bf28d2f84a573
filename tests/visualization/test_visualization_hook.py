from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.structures import InstanceData
from mmengine.visualization import Visualizer
from mmpose.datasets import CombinedDataset
from mmpose.structures import PoseDataSample
from skeletons import MPI_INF_3DHP, smpl_metainfo, standing_pose

from depth_refine.functional.camera import project
from depth_refine.structures.camera import make_camera
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.structures.skeleton import Skeleton, parse_metainfo
from depth_refine.utils.errors import InputError
from depth_refine.visualization import DepthPoseVisualizationHook, visualization_hook

SEQUENCE = 'S9_Posing_1.54138969'
CAMERA, _ = make_camera((160, 90), Intrinsics((200, 210, 80, 45), ('h36m', -0.2, 0.2, 0, -0.001, -0.002)))


@pytest.fixture(autouse=True)
def visualizer(tmp_path):
    backends = [dict(type='LocalVisBackend')]
    return Visualizer.get_instance(str(tmp_path), vis_backends=backends, save_dir=str(tmp_path / 'vis'))


@pytest.fixture
def runner(tmp_path):
    metainfo = parse_metainfo(dict(from_file='configs/_base_/datasets/h36m.py')) | dict(root_index=0)
    evaluator = SimpleNamespace(dataset_meta=metainfo)
    folder = dict(work_dir=str(tmp_path / 'work'), timestamp='20200101_000000')
    return SimpleNamespace(**folder, iter=0, val_evaluator=evaluator, test_evaluator=evaluator)


@pytest.fixture
def drawn_frames(record_calls):
    return record_calls(visualization_hook, 'draw_strip')


@pytest.fixture
def make_samples(pose, tmp_path):
    """A function that makes the samples of a stage, with one image on disk, that of frame 2."""
    paths = [str(tmp_path / f'{SEQUENCE}_{number:06d}.jpg') for number in range(1, 8)]
    cv2.imwrite(paths[1], np.full((90, 160, 3), 128, np.uint8))

    def sample(name, path, keypoints, **truth):
        found = PoseDataSample(metainfo={name: path, 'camera_param': CAMERA})
        found.pred_instances, found.gt_instances = InstanceData(keypoints=keypoints), InstanceData(**truth)
        return found

    def make(stage, pose=pose, root=0):
        pred = pose + [0, 0, 0.05]
        pred[root] = pose[root]
        if stage == 1:
            keypoints = np.concatenate([project(pred, CAMERA), pred[:, 2:] - pose[root, 2]], axis=-1)
            return [sample('img_path', path, keypoints[None], keypoints_cam=pose[None]) for path in paths]
        keypoints, target = (torch.as_tensor(joints).repeat(7, 1, 1) for joints in (pred - pred[root], pose))
        return [sample('target_img_path', paths, keypoints, lifting_target=target)]

    return make


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize('stage', [1, 2])
def test_every_third_frame_of_a_test_is_written(stage, make_samples, runner, tmp_path):
    hook = DepthPoseVisualizationHook(enable=True, interval=3, out_dir='show')
    first, second = make_samples(stage), make_samples(stage)
    for sample in second:
        key = 'img_path' if stage == 1 else 'target_img_path'
        paths = np.char.replace(sample.get(key), 'S9', 'S11').tolist()
        sample.set_metainfo({key: paths})
    hook.after_test_iter(runner, 0, {}, first[:2])
    hook.after_test_iter(runner, 1, {}, [*first[2:], *second])
    folder = tmp_path / 'work' / runner.timestamp / 'show'
    numbers = [('S11', 3), ('S11', 6), ('S9', 1), ('S9', 4), ('S9', 7)]  # 9 = 7 + 2 is the next video's third
    assert names(folder) == [SEQUENCE.replace('S9', subject) + f'_{number:06d}.png' for subject, number in numbers]
    assert cv2.imread(str(folder / f'{SEQUENCE}_000004.png')).shape[1] == 3 * 340
    assert not list(tmp_path.glob('vis/**/*.png'))


@pytest.mark.parametrize('stage', [1, 2])
def test_both_stages_draw_the_same_poses(stage, make_samples, runner, pose, drawn_frames, tmp_path):
    hook = DepthPoseVisualizationHook(enable=True, interval=1, out_dir=str(tmp_path / 'show'))
    hook.after_test_iter(runner, 0, {}, make_samples(stage))
    assert len(names(tmp_path / 'show')) == 7
    assert [np.shape(frame.image) for frame in drawn_frames] == [(), (90, 160, 3), *[()] * 5]
    expected = pose + [0, 0, 0.05]
    expected[0] = pose[0]
    for number, frame in enumerate(drawn_frames, start=1):
        np.testing.assert_allclose(frame.truth, pose)
        np.testing.assert_allclose(frame.relative_predictions()['prediction'], expected - expected[0], atol=1e-6)
        np.testing.assert_allclose(frame.keypoints, project(expected, CAMERA), atol=1e-6)
        assert frame.title == f'{SEQUENCE}_{number:06d}'


WRAPPED = {
    'itself': lambda dataset: dataset,
    'repeated': lambda dataset: RepeatDataset(dataset, 2, lazy_init=True),
    'joined': lambda dataset: ConcatDataset([dataset], lazy_init=True),
    'combined': lambda dataset: CombinedDataset(MPI_INF_3DHP, [], lazy_init=True),  # whose samples know the root
}


@pytest.mark.parametrize('stage', [1, 2])
@pytest.mark.parametrize('wrapped', WRAPPED)
def test_skeleton_of_the_data_set(stage, wrapped, make_samples, runner, drawn_frames, tmp_path):
    skeleton = Skeleton.from_metainfo(MPI_INF_3DHP, 14)
    root = dict(root_index=14)
    dataset = WRAPPED[wrapped](BaseDataset(metainfo=parse_metainfo(MPI_INF_3DHP) | root, lazy_init=True))
    runner.test_evaluator.dataset_meta = dataset.metainfo
    truth = standing_pose(skeleton) + [0.2, -0.1, 4]
    samples = make_samples(stage, truth, root=14)
    for sample in samples:
        sample.set_metainfo(root if wrapped == 'combined' else {})
    hook = DepthPoseVisualizationHook(enable=True, interval=7, out_dir='show')
    hook.after_test_iter(runner, 0, {}, samples)
    (frame,) = drawn_frames
    assert frame.skeleton == skeleton and frame.errors_mm() == pytest.approx({'prediction': 50 * 16 / 17})
    np.testing.assert_allclose(frame.truth, truth)
    runner.test_evaluator.dataset_meta = parse_metainfo(smpl_metainfo()) | dict(root_index=0)
    with pytest.raises(InputError, match='2D joints of 17 joints, the skeleton has 24'):
        hook.after_test_iter(runner, 0, {}, samples)


def test_video_without_camera_has_no_overlay(make_samples, runner, drawn_frames):
    (sample,) = make_samples(2)
    sample.pop('camera_param')
    DepthPoseVisualizationHook(enable=True, interval=7, out_dir='show').after_test_iter(runner, 0, {}, [sample])
    assert [frame.keypoints for frame in drawn_frames] == [None]


def test_without_a_folder_figures_go_to_the_backends(make_samples, runner, tmp_path):
    samples = make_samples(1)
    for hook in (DepthPoseVisualizationHook(enable=True, interval=4), DepthPoseVisualizationHook(interval=1)):
        hook.after_test_iter(runner, 0, {}, samples)
        for batch in range(3):
            hook.after_val_iter(runner, 2 * batch, {}, samples[2 * batch : 2 * batch + 2])
    folder = tmp_path / 'vis' / 'vis_data' / 'vis_image'  # the second hook is disabled and draws nothing
    assert names(folder) == ['test_img_0.png', 'test_img_4.png', 'val_img_0.png', 'val_img_4.png']


@pytest.mark.filterwarnings('ignore:The show is True')
def test_show(make_samples, runner, monkeypatch):
    shown, waits = [], []
    monkeypatch.setenv('DISPLAY', ':0')
    monkeypatch.setattr(cv2, 'imshow', lambda window, image: shown.append(image.shape))
    monkeypatch.setattr(cv2, 'waitKey', waits.append)
    hook = DepthPoseVisualizationHook(enable=True, interval=4, show=True, wait_time=0.25)
    hook.after_test_iter(runner, 0, {}, make_samples(1))
    assert shown == [(422, 3 * 340, 3)] * 2 and waits == [250, 250]

    def no_windows(window, image):
        raise cv2.error('The function is not implemented')

    monkeypatch.setattr(cv2, 'imshow', no_windows)
    with pytest.raises(InputError, match='built without windows; write them to a folder with --show-dir instead'):
        hook.after_test_iter(runner, 0, {}, make_samples(1))
    monkeypatch.setattr('sys.platform', 'linux')
    monkeypatch.delenv('DISPLAY')
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    with pytest.raises(InputError, match=r'no display is available .* with --show-dir instead'):
        DepthPoseVisualizationHook(enable=True, show=True)


@pytest.mark.parametrize('option', [dict(interval=0), dict(interval=2.5), dict(wait_time=-1.0)])
def test_numbers_that_make_no_sense(option):
    with pytest.raises(InputError, match=r'(interval of the figures|wait_time of a figure, seconds): expected a '):
        DepthPoseVisualizationHook(enable=True, **option)
