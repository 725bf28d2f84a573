import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner, load_checkpoint
from mmpose.registry import MODELS

from depth_refine.inference.people.person_detectors import MMDetPersonDetector, TorchvisionPersonDetector
from depth_refine.inference.stages import IntegralFirstStage, SecondStage, check_fit
from depth_refine.structures.camera import make_camera
from depth_refine.utils.errors import InputError

INTRINSICS = (70, 75, 30, 25)
FLIP = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]


@pytest.fixture(scope='module')
def first_stage(stages):
    return IntegralFirstStage(*stages[:2], 'cpu', batch_size=5)


@pytest.fixture
def second_stage(stages, save, tmp_path):
    """A function that makes a second stage of a changed config: ``(dataset={...}, backbone={...})``."""

    def make(name='changed', dataset=(), backbone=(), **test_cfg):
        cfg = Config.fromfile(stages[2])
        cfg.test_dataloader.dataset.update(dict(dataset))
        cfg.model.backbone.update(dict(backbone))
        cfg.model.test_cfg.update(test_cfg)
        return SecondStage(*save(cfg, tmp_path / name), 'cpu')

    return make


def test_first_stage_equals_testing_on_the_data_set(first_stage, stages, data_root):
    cfg = first_stage.cfg.copy()
    cfg.test_dataloader.update(batch_size=7, num_workers=0, persistent_workers=False)
    cfg.test_dataloader.dataset.update(data_root=str(data_root), frame_step=5)
    loader = Runner.build_dataloader(cfg.test_dataloader)
    people = [
        (cv2.imread(loader.dataset[index]['data_samples'].img_path), loader.dataset.get_data_info(index)['bbox'][0])
        for index in range(len(loader.dataset))
    ]
    found = list(first_stage(iter(people)))
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
    assert first_stage.notes == []
    cfg.test_dataloader.dataset.bbox_policy = 'pelvis_2m'
    assert 'boxes of the policy pelvis_2m' in IntegralFirstStage(cfg, stages[1], 'cpu', 1).notes[0]


def make_measurements(frames):
    return np.random.default_rng(0).uniform(0, [60, 60, 1, 1, 1], (frames, 17, 5)).astype(np.float32)


def run(model, inputs):
    """The network's output for normalised inputs (T, 17, C)."""
    tensor = torch.from_numpy(inputs.astype(np.float32)).permute(1, 2, 0).flatten(0, 1)[None]
    with torch.inference_mode():
        return model(tensor)[0].numpy()


@pytest.mark.parametrize('frames', [3, 40])
@pytest.mark.parametrize(
    ('source', 'channels', 'causal'),
    [
        ('2d', [0, 1], False),
        ('gt2d+gtdepth', [0, 1, 2], False),
        ('2d+depth', [0, 1, 2], True),
        ('2d+depth+std', [0, 1, 2, 4], False),
    ],
)
def test_second_stage_by_hand(second_stage, source, channels, causal, frames):
    stage = second_stage(
        dataset=dict(input_source=source, causal=causal),
        backbone=dict(in_channels=17 * len(channels), causal=causal),
        flip_test=not causal,
    )
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
    np.testing.assert_allclose(found, expected - expected[:, :1], atol=2e-5)


def test_half_precision(stages):
    measurements, (camera, _) = make_measurements(40), make_camera((64, 64))
    people = [(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), np.array([4, 4, 60, 60]))] * 3
    measured = [np.stack(list(IntegralFirstStage(*stages[:2], 'cpu', 2, amp)(people))) for amp in (False, True)]
    poses = [SecondStage(*stages[2:], 'cpu', amp)(measurements, camera) for amp in (False, True)]
    pixels, depths = ([columns[..., part] for columns in measured] for part in (slice(2), 2))
    for (single, half), tolerance in ((pixels, 0.5), (depths, 0.02), (poses, 0.02)):  # px, m, m
        assert single.dtype == half.dtype == np.float32 and not np.array_equal(single, half)
        np.testing.assert_allclose(half, single, atol=tolerance)


def test_clips_and_rate_of_training(second_stage):
    measurements, (camera, _) = make_measurements(17), make_camera((64, 64))
    whole = second_stage(dataset=dict(ann_file='annotation_body3d/fps10/h36m_test.npz'))
    expected = [whole(measurements[start : start + 7], camera) for start in (0, 7, 14)]
    in_clips = second_stage(dataset=dict(clip_len=7, ann_file='h36m_test.npz'))
    np.testing.assert_allclose(in_clips(measurements, camera), np.concatenate(expected), atol=1e-6)
    assert (whole.rate, in_clips.rate) == (10, 50)


def test_refused(stages, second_stage, tmp_path):
    first, first_checkpoint, second, second_checkpoint = stages
    (tmp_path / 'data.py').write_text('data_root = 1')
    for config, checkpoint, message in [
        (second, first_checkpoint, r'second\.py is not a first stage: expected a TopdownPoseEst'),
        (first, second_checkpoint, r'second\.pth belongs to another model than the config'),
        (first, tmp_path / 'absent.pth', r'absent\.pth: no such checkpoint file'),
        (tmp_path / 'absent.py', first_checkpoint, r'no config file .*absent\.py'),
        (tmp_path / 'data.py', first_checkpoint, r'data\.py has no model and no test_dataloader: expected a config'),
    ]:
        with pytest.raises(InputError, match=message):
            IntegralFirstStage(config, checkpoint, 'cpu', 1)
    with pytest.raises(InputError, match=r'first\.py is not a second stage: .* Are the stages in their order\?'):
        SecondStage(first, second_checkpoint, 'cpu')
    with pytest.raises(InputError, match=r"two\.py: its network does not take its input_source '2d': Temporal"):
        second_stage('two', dataset=dict(input_source='2d'))
    with pytest.raises(InputError, match=r'half\.py: its network is causal, and its test data set not causal'):
        second_stage('half', backbone=dict(causal=True))


def test_fit(stages, second_stage, save, tmp_path):
    cfg = Config.fromfile(stages[0])
    cfg.model.head.decoder.depth_range = 2.0
    deeper = IntegralFirstStage(*save(cfg, tmp_path / 'deeper'), 'cpu', 1)
    with pytest.raises(InputError, match=r'deeper\.py and .*second\.py do not fit .* range of 2 m, the .* on 1\.5 m'):
        check_fit(deeper, second_stage('second'))
    check_fit(deeper, second_stage('flat', dataset=dict(input_source='2d'), backbone=dict(in_channels=34)))
    cfg.model.head.num_joints = 16
    with pytest.raises(InputError, match=r'other\.py: its model has num_joints=16, and the metainfo .* 17 joints'):
        IntegralFirstStage(*save(cfg, tmp_path / 'other'), 'cpu', 1)
    cfg.model.head.num_joints = 17
    dataset = cfg.test_dataloader.dataset
    dataset.update(
        type='DepthImageDataset', metainfo=dict(from_file='configs/_base_/datasets/mpi_inf_3dhp.py'), root=14
    )
    with pytest.raises(
        InputError, match=r"do not fit together: expected the same joints in both, got \['head_top', .*'\]"
    ):
        check_fit(IntegralFirstStage(*save(cfg, tmp_path / 'mpi'), 'cpu', 1), second_stage())


def test_devices_and_batch_sizes_that_do_not_exist(stages):
    for make in (
        lambda: IntegralFirstStage(*stages[:2], 'gpu', batch_size=5),
        lambda: SecondStage(*stages[2:], 'gpu'),
        lambda: TorchvisionPersonDetector('ssdlite320_mobilenet_v3_large_coco-0.pth', 'gpu'),
        lambda: MMDetPersonDetector('a.py', 'a.pth', 'gpu'),
    ):
        with pytest.raises(InputError, match="device 'gpu': expected one that PyTorch finds on this machine, of cpu"):
            make()
    with pytest.raises(InputError, match='batch_size: expected a whole number of at least 1, got 0'):
        IntegralFirstStage(*stages[:2], 'cpu', batch_size=0)
