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

from depth_refine.codecs import DepthSequenceLifting
from depth_refine.functional.camera import project
from depth_refine.structures.camera import make_camera
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.structures.skeleton import Skeleton, parse_metainfo
from depth_refine.utils.errors import InputError
from depth_refine.visualization import DepthPoseVisualizationHook, visualization_hook

SEQUENCE = 'S9_Posing_1.54138969'
BOX = [40.0, 10.0, 110.0, 80.0]
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
            truth = dict(keypoints_cam=pose[None], bboxes=np.array([BOX]))
            return [sample('img_path', path, keypoints[None], **truth) for path in paths]
        keypoints, target = (torch.as_tensor(joints).repeat(7, 1, 1) for joints in (pred - pred[root], pose))
        return [sample('target_img_path', paths, keypoints, lifting_target=target)]

    return make


def around(points):
    """The box around points, a quarter larger."""
    centre, sides = (points.max(axis=0) + points.min(axis=0)) / 2, np.ptp(points, axis=0)
    return np.concatenate([centre - 1.25 * sides / 2, centre + 1.25 * sides / 2])


def batch_of(samples):
    """A batch whose inputs nobody reads."""
    return dict(inputs=[None] * len(samples))


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
    hook.after_test_iter(runner, 0, batch_of(first[:2]), first[:2])
    rest = [*first[2:], *second]
    hook.after_test_iter(runner, 1, batch_of(rest), rest)
    folder = tmp_path / 'work' / runner.timestamp / 'show'
    numbers = [('S11', 3), ('S11', 6), ('S9', 1), ('S9', 4), ('S9', 7)]  # 9 = 7 + 2 is the next video's third
    assert names(folder) == [SEQUENCE.replace('S9', subject) + f'_{number:06d}.png' for subject, number in numbers]
    assert cv2.imread(str(folder / f'{SEQUENCE}_000004.png')).shape[1] == 3 * 340
    assert not list(tmp_path.glob('vis/**/*.png'))


@pytest.mark.parametrize('stage', [1, 2])
def test_both_stages_draw_the_same_poses(stage, make_samples, runner, pose, drawn_frames, tmp_path):
    hook = DepthPoseVisualizationHook(enable=True, interval=1, out_dir=str(tmp_path / 'show'))
    samples = make_samples(stage)
    hook.after_test_iter(runner, 0, batch_of(samples), samples)
    assert len(names(tmp_path / 'show')) == 7
    assert [np.shape(frame.image) for frame in drawn_frames] == [(), (90, 160, 3), *[()] * 5]
    details = ('the bounding box, with predicted 2D joints', 'prediction, projected from the true root')
    assert {frame.image_caption for frame in drawn_frames} == {('image', details[stage - 1])}
    expected = pose + [0, 0, 0.05]
    expected[0] = pose[0]
    for number, frame in enumerate(drawn_frames, start=1):
        np.testing.assert_allclose(frame.truth, pose)
        np.testing.assert_allclose(frame.relative_predictions()['prediction'], expected - expected[0], atol=1e-6)
        np.testing.assert_allclose(frame.keypoints, project(expected, CAMERA), atol=1e-6)
        assert frame.title == f'{SEQUENCE}_{number:06d}'
        np.testing.assert_allclose(frame.box, BOX if stage == 1 else around(project(pose, CAMERA)))


@pytest.mark.parametrize('normalisation', ['image_width', 'rays'])
@pytest.mark.parametrize(('seq_len', 'causal', 'channels'), [(1, False, 2), (5, False, 3), (4, False, 2), (5, True, 4)])
def test_input_is_what_the_refiner_gets(
    normalisation, seq_len, causal, channels, make_samples, runner, pose, drawn_frames
):
    """Not its prediction, which is far off here; the crop follows the truth, not a joint that is not known."""
    (sample,) = make_samples(2)
    sample.pred_instances.keypoints *= -30
    sample.gt_instances.lifting_target[:, 5] = 0
    before = seq_len - 1 if causal else seq_len // 2
    measured = np.random.default_rng(0).uniform(10, 80, size=(7, 17, 4))[..., :channels]
    frames = np.clip(np.arange(7 + seq_len - 1) - before, 0, 6)  # ends are replicated
    codec = DepthSequenceLifting(normalisation=normalisation)
    inputs = torch.as_tensor(codec.encode(measured[frames], camera_param=CAMERA)['keypoint_labels']).float()
    runner.val_evaluator.dataset_meta |= dict(normalisation=normalisation, causal=causal)
    hook = DepthPoseVisualizationHook(enable=True, interval=2, out_dir='show')
    hook.after_test_iter(runner, 0, dict(inputs=[inputs]), [sample])
    hook.after_val_iter(runner, 0, dict(inputs=inputs[None]), [sample])
    assert len(drawn_frames) == 4 + 1
    for frame, expected in zip(drawn_frames, measured[[0, 2, 4, 6, 0]], strict=True):
        np.testing.assert_allclose(frame.keypoints, expected[:, :2], atol=1e-3)
        np.testing.assert_allclose(frame.box, around(project(np.delete(pose, 5, axis=0), CAMERA)))
        assert frame.image_caption == ('input', '2D joints' + '; their depths are not drawn' * (channels > 2))


def test_input_of_a_camera_without_focal_length(make_samples, runner, drawn_frames):
    (sample,) = make_samples(2)
    sample.set_metainfo(dict(camera_param=dict(w=160, h=90)))
    runner.test_evaluator.dataset_meta |= dict(normalisation='image_width', causal=False)
    hook = DepthPoseVisualizationHook(enable=True, interval=7, out_dir='show')
    hook.after_test_iter(runner, 0, dict(inputs=[torch.zeros(7, 17, 2)]), [sample])
    (frame,) = drawn_frames
    np.testing.assert_allclose(frame.keypoints, np.tile([80, 45], (17, 1)))
    assert frame.box is None


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
    hook.after_test_iter(runner, 0, batch_of(samples), samples)
    (frame,) = drawn_frames
    assert frame.skeleton == skeleton and frame.errors_mm() == pytest.approx({'prediction': 50 * 16 / 17})
    np.testing.assert_allclose(frame.truth, truth)
    runner.test_evaluator.dataset_meta = parse_metainfo(smpl_metainfo()) | dict(root_index=0)
    with pytest.raises(InputError, match='2D joints of 17 joints, the skeleton has 24'):
        hook.after_test_iter(runner, 0, batch_of(samples), samples)


@pytest.mark.parametrize('camera', [None, dict(w=160, h=90)])
def test_video_without_camera_has_no_overlay(camera, make_samples, runner, drawn_frames):
    (sample,) = make_samples(2)
    sample.set_metainfo(dict(camera_param=camera))
    DepthPoseVisualizationHook(enable=True, interval=7, out_dir='show').after_test_iter(
        runner, 0, batch_of([sample]), [sample]
    )
    assert [(frame.keypoints, frame.box, frame.image_caption) for frame in drawn_frames] == [
        (None, None, ('image', ''))
    ]


def test_without_a_folder_figures_go_to_the_backends(make_samples, runner, tmp_path):
    samples = make_samples(1)
    for hook in (DepthPoseVisualizationHook(enable=True, interval=4), DepthPoseVisualizationHook(interval=1)):
        hook.after_test_iter(runner, 0, batch_of(samples), samples)
        for batch in range(3):
            hook.after_val_iter(runner, 2 * batch, batch_of(range(2)), samples[2 * batch : 2 * batch + 2])
    folder = tmp_path / 'vis' / 'vis_data' / 'vis_image'  # the second hook is disabled and draws nothing
    assert names(folder) == ['test_img_0.png', 'test_img_4.png', 'val_img_0.png', 'val_img_4.png']


@pytest.mark.filterwarnings('ignore:The show is True')
def test_show(make_samples, runner, monkeypatch):
    shown, waits = [], []
    monkeypatch.setenv('DISPLAY', ':0')
    monkeypatch.setattr(cv2, 'imshow', lambda window, image: shown.append(image.shape))
    monkeypatch.setattr(cv2, 'waitKey', waits.append)
    hook = DepthPoseVisualizationHook(enable=True, interval=4, show=True, wait_time=0.25)
    hook.after_test_iter(runner, 0, batch_of(range(7)), make_samples(1))
    assert shown == [(422, 3 * 340, 3)] * 2 and waits == [250, 250]

    def no_windows(window, image):
        raise cv2.error('The function is not implemented')

    monkeypatch.setattr(cv2, 'imshow', no_windows)
    with pytest.raises(InputError, match='built without windows; write them to a folder with --show-dir instead'):
        hook.after_test_iter(runner, 0, batch_of(range(7)), make_samples(1))
    monkeypatch.setattr('sys.platform', 'linux')
    monkeypatch.delenv('DISPLAY')
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    with pytest.raises(InputError, match=r'no display is available .* with --show-dir instead'):
        DepthPoseVisualizationHook(enable=True, show=True)


@pytest.mark.parametrize('option', [dict(interval=0), dict(interval=2.5), dict(wait_time=-1.0)])
def test_numbers_that_make_no_sense(option):
    with pytest.raises(InputError, match=r'(interval of the figures|wait_time of a figure, seconds): expected a '):
        DepthPoseVisualizationHook(enable=True, **option)
