import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner, load_checkpoint
from mmpose.registry import MODELS

from depth_refine.inference.stages import FirstStage, SecondStage, check_fit
from depth_refine.structures.camera import make_camera
from depth_refine.utils.errors import InputError

INTRINSICS = (70, 75, 30, 25)
FLIP = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]


def first_stage(stages, batch_size=5):
    return FirstStage(*stages[:2], 'cpu', batch_size)


def test_first_stage_equals_testing_on_the_data_set(stages, data_root):
    stage = first_stage(stages)
    cfg = stage.cfg.copy()
    cfg.test_dataloader.update(batch_size=7, num_workers=0, persistent_workers=False)
    cfg.test_dataloader.dataset.update(data_root=str(data_root), frame_step=5)
    loader = Runner.build_dataloader(cfg.test_dataloader)
    people = [
        (cv2.imread(loader.dataset[index]['data_samples'].img_path), loader.dataset.get_data_info(index)['bbox'][0])
        for index in range(len(loader.dataset))
    ]
    found = list(stage(iter(people)))
    model = MODELS.build(cfg.model).eval()
    load_checkpoint(model, str(stages[1]), logger='silent')
    with torch.inference_mode():
        samples = [sample for batch in loader for sample in model.test_step(batch)]
    assert len(found) == len(samples) == len(people) > 7
    for measured, sample in zip(found, samples, strict=True):
        expected = sample.pred_instances
        assert measured.shape == (17, 5)
        np.testing.assert_allclose(measured[:, :3], expected.keypoints[0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(measured[:, 3], expected.keypoint_scores[0], atol=1e-5)
        np.testing.assert_allclose(measured[:, 4], expected.depth_std[0], atol=1e-5)


def test_first_stage_of_other_boxes(stages):
    cfg = first_stage(stages).cfg.copy()
    cfg.test_dataloader.dataset.bbox_policy = 'pelvis_2m'
    (note,) = FirstStage(cfg, stages[1], 'cpu', 1).notes
    assert 'boxes of the policy pelvis_2m' in note and first_stage(stages).notes == []


def test_first_stage_of_nobody(stages):
    assert list(first_stage(stages)(iter([]))) == []


def make_measurements(frames, seed=0):
    measurements = np.random.default_rng(seed).uniform(0, 60, (frames, 17, 5)).astype(np.float32)
    measurements[..., 2:] /= 60
    return measurements


def run(model, inputs):
    """Normalised (T, 17, C) straight through the network."""
    tensor = torch.from_numpy(inputs.astype(np.float32)).permute(1, 2, 0).flatten(0, 1)[None]
    with torch.inference_mode():
        return model(tensor)[0].numpy()


@pytest.mark.parametrize('frames', [1, 3, 40])
@pytest.mark.parametrize(
    ('source', 'channels', 'causal'),
    [
        ('2d', [0, 1], False),
        ('gt2d+gtdepth', [0, 1, 2], False),
        ('2d+depth', [0, 1, 2], True),
        ('2d+depth+std', [0, 1, 2, 4], False),
    ],
)
def test_second_stage_by_hand(stages, save, tmp_path, source, channels, causal, frames):
    cfg = Config.fromfile(stages[2])
    cfg.model.backbone.in_channels = 17 * len(channels)
    cfg.model.test_cfg.flip_test = not causal
    cfg.model.backbone.causal = causal
    cfg.test_dataloader.dataset.update(input_source=source, causal=causal)
    stage = SecondStage(*save(cfg, tmp_path / 'refiner'), 'cpu')
    measurements = make_measurements(frames)
    found = stage(measurements, make_camera((64, 48), INTRINSICS)[0])
    assert found.shape == (frames, 17, 3) and (stage.rate, stage.is_causal) == (50, causal)

    rows = np.arange(frames + 26) - (26 if causal else 13)
    inputs = measurements[rows.clip(0, frames - 1)][..., channels]
    inputs[..., :2] = (inputs[..., :2] - [30, 25]) / [70, 75] * 1.147 * 2
    inputs[..., 2:] /= 0.75
    expected = run(stage.model, inputs)
    if not causal:
        mirrored = inputs[:, FLIP] * [-1, 1, 1, 1][: len(channels)]
        expected = (expected + run(stage.model, mirrored)[:, FLIP] * [-1, 1, 1]) / 2
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_half_precision(stages):
    measurements, (camera, _) = make_measurements(40), make_camera((64, 64))
    people = [(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), np.array([4, 4, 60, 60]))] * 3
    found = []
    for amp in (False, True):
        first, second = FirstStage(*stages[:2], 'cpu', 2, amp), SecondStage(*stages[2:], 'cpu', amp)
        found.append((np.stack(list(first(people))), second(measurements, camera)))
    for single, half in zip(*found, strict=True):
        assert single.dtype == half.dtype == np.float32 and not np.array_equal(single, half)
    (images, poses), (rounded_images, rounded_poses) = found
    np.testing.assert_allclose(rounded_images[..., :2], images[..., :2], atol=0.5)  # px
    np.testing.assert_allclose(rounded_images[..., 2], images[..., 2], atol=0.02)  # m
    np.testing.assert_allclose(rounded_poses, poses, atol=0.02)


def test_clips(stages, save, tmp_path):
    cfg = Config.fromfile(stages[2])
    cfg.test_dataloader.dataset.update(clip_len=7)
    stage = SecondStage(*save(cfg, tmp_path / 'refiner'), 'cpu')
    measurements = make_measurements(17)
    whole, (camera, _) = SecondStage(*stages[2:], 'cpu'), make_camera((64, 64))
    expected = [whole(measurements[start : start + 7], camera) for start in (0, 7, 14)]
    np.testing.assert_allclose(stage(measurements, camera), np.concatenate(expected), atol=1e-6)


@pytest.mark.parametrize(('folder', 'rate'), [('fps10/', 10), ('', 50)])
def test_rate_of_training(stages, save, tmp_path, folder, rate):
    cfg = Config.fromfile(stages[2])
    cfg.test_dataloader.dataset.ann_file = f'annotation_body3d/{folder}h36m_test.npz'
    assert SecondStage(*save(cfg, tmp_path / 'refiner'), 'cpu').rate == rate


def test_refused(stages, save, tmp_path):
    first, first_checkpoint, second, second_checkpoint = stages
    with pytest.raises(InputError, match=r'second\.py is not a first stage: expected a TopdownPoseEst'):
        FirstStage(second, first_checkpoint, 'cpu', 1)
    with pytest.raises(InputError, match=r'first\.py is not a second stage: .* Are the stages in their order\?'):
        SecondStage(first, second_checkpoint, 'cpu')
    with pytest.raises(InputError, match=r'second\.pth belongs to another model than the config'):
        FirstStage(first, second_checkpoint, 'cpu', 1)
    with pytest.raises(InputError, match=r'absent\.pth: no such checkpoint file'):
        FirstStage(first, tmp_path / 'absent.pth', 'cpu', 1)
    with pytest.raises(InputError, match=r'no config file .*absent\.py'):
        SecondStage(tmp_path / 'absent.py', second_checkpoint, 'cpu')
    (tmp_path / 'data.py').write_text('data_root = 1')
    with pytest.raises(InputError, match=r'data\.py has no model and no test_dataloader: expected a config'):
        FirstStage(tmp_path / 'data.py', first_checkpoint, 'cpu', 1)
    cfg = Config.fromfile(second)
    cfg.test_dataloader.dataset.input_source = '2d'
    with pytest.raises(InputError, match=r"two\.py: its network does not take its input_source '2d': Temporal"):
        SecondStage(*save(cfg, tmp_path / 'two'), 'cpu')
    cfg = Config.fromfile(second)
    cfg.model.backbone.causal = True
    with pytest.raises(InputError, match=r'half\.py: its network is causal, and its test data set not causal'):
        SecondStage(*save(cfg, tmp_path / 'half'), 'cpu')


def test_fit(stages, save, tmp_path):
    first, second = FirstStage(*stages[:2], 'cpu', 1), SecondStage(*stages[2:], 'cpu')
    check_fit(first, second)

    cfg = Config.fromfile(stages[0])
    cfg.model.head.decoder.depth_range = 2.0
    deeper = FirstStage(*save(cfg, tmp_path / 'deeper'), 'cpu', 1)
    with pytest.raises(InputError, match=r'deeper\.py and .*second\.py do not fit .* range of 2 m, the .* on 1\.5 m'):
        check_fit(deeper, second)
    cfg = Config.fromfile(stages[2])
    cfg.model.backbone.in_channels = 34
    cfg.test_dataloader.dataset.input_source = '2d'
    check_fit(deeper, SecondStage(*save(cfg, tmp_path / 'flat'), 'cpu'))

    cfg = Config.fromfile(stages[0])
    cfg.model.head.num_joints = 16
    with pytest.raises(InputError, match=r"Human3\.6M's 17 joints in both, got 16 and 17"):
        check_fit(FirstStage(*save(cfg, tmp_path / 'other'), 'cpu', 1), second)
