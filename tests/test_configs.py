from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import DATASETS, METRICS, MODELS, TRANSFORMS

CONFIGS = Path(__file__).parents[1] / 'configs'
FILES = sorted(
    path.relative_to(CONFIGS).as_posix() for folder in ('.', 'demo') for path in (CONFIGS / folder).glob('*.py')
)
FIELDS = {1: (1, 2), 27: (3, 2), 81: (3, 3), 243: (3, 4)}


def test_the_fixed_configs_are_there():
    assert {'integral_h36m.py', *(f'refiner_{field}.py' for field in FIELDS)} <= set(FILES)


@pytest.mark.parametrize('name', FILES)
def test_builds_and_runs_forward(name):
    cfg = Config.fromfile(CONFIGS / name)
    model = MODELS.build(cfg.model).eval()
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    if cfg.model.type == 'TopdownPoseEstimator':
        affine = next(step for step in train.pipeline if step.type == 'TopdownAffine')
        assert list(affine.input_size) == list(cfg.model.head.decoder.input_size)
        w, h = affine.input_size
        shape, expected = (2, 3, h, w), (2, 17, 3)
    else:
        field = model.receptive_field
        channels = 3 if 'depth' in train.input_source else 2
        assert train.seq_len == test.seq_len == field and train.input_source == test.input_source
        shape, expected = (2, 17 * channels, field + 3), (2, 4, 17, 3)
    with torch.no_grad():
        assert model(torch.randn(shape), None, mode='tensor').shape == expected

    for dataset in (train, cfg.val_dataloader.dataset, test):
        assert DATASETS.get(dataset.type) is not None
        for step in dataset.pipeline:
            TRANSFORMS.build(step)
    assert cfg.val_dataloader.dataset.test_mode and test.test_mode and not train.get('test_mode', False)
    METRICS.build(cfg.test_evaluator)


@pytest.mark.parametrize('field', FIELDS)
def test_refiners_at_the_papers_size(field):
    cfg = Config.fromfile(CONFIGS / f'refiner_{field}.py')
    backbone = cfg.model.backbone
    assert (backbone.kernel_size, backbone.num_blocks) == FIELDS[field]
    assert (backbone.channels, backbone.dropout) == (1024, 0.25)
    assert MODELS.build(cfg.model).receptive_field == field


def test_integral_at_the_papers_size():
    cfg = Config.fromfile(CONFIGS / 'integral_h36m.py')
    model = MODELS.build(cfg.model)
    assert (cfg.model.backbone.type, cfg.model.backbone.depth) == ('ResNet', 50)
    assert cfg.model.head.decoder.depth_range == 1.5
    with torch.no_grad():
        logits = model.head._logits(model.extract_feat(torch.zeros(1, 3, 256, 256)))
    assert logits.shape == (1, 17, 72, 64, 64)


def test_only_training_inputs_of_our_refiner_are_noisy():
    noisy = {
        name: [step.type for step in Config.fromfile(CONFIGS / name).train_dataloader.dataset.pipeline]
        for name in FILES
        if 'refiner' in name
    }
    clean = {'demo/refiner_2d.py', 'demo/refiner_2d_depth.py', 'demo/refiner_gt2d.py', 'demo/refiner_gt2d_gtdepth.py'}
    assert {name for name, steps in noisy.items() if 'GaussianJointNoise' not in steps} == clean


def test_parts_are_usable_in_a_plain_mmpose_config(tmp_path):
    (tmp_path / 'config.py').write_text(
        "_base_ = ['mmpose::body_3d_keypoint/video_pose_lift/h36m/"
        "video-pose-lift_tcn-27frm-supv_8xb128-160e_h36m.py']\n"
        "custom_imports = dict(imports=['depth_refine'])\n"
        "model = dict(_delete_=True, type='DepthTemporalRefiner',\n"
        "    backbone=dict(type='TCN', in_channels=34, stem_channels=8, num_blocks=2, kernel_sizes=(3, 3, 3)),\n"
        "    head=dict(type='TemporalPoseHead', in_channels=8, decoder={{_base_.codec}}))\n"
        "noise = dict(type='GaussianJointNoise', sigma_2d=0.05)\n"
    )
    cfg = Config.fromfile(tmp_path / 'config.py')
    labels = torch.randn(34, 27).numpy()
    results = dict(keypoints=torch.zeros(27, 17, 2).numpy(), keypoint_labels=labels)
    assert (TRANSFORMS.build(cfg.noise)(results)['keypoint_labels'] != labels).all()
    assert MODELS.build(cfg.model).eval()(torch.randn(1, 34, 30)).shape == (1, 4, 17, 3)


def test_configs_in_the_readme(tmp_path):
    root = CONFIGS.parent
    blocks = [block.split('```')[0] for block in (root / 'README.md').read_text().split('```python\n')[1:]]
    configs = [block for block in blocks if '_base_' in block]
    assert len(configs) == 2
    for number, text in enumerate(configs):
        path = tmp_path / f'config{number}.py'
        path.write_text(text.replace('path/to/depth_refine/configs', str(CONFIGS)))
        cfg = Config.fromfile(path)
        model = MODELS.build(cfg.model).eval()
        channels, field = cfg.model.backbone.in_channels, 27
        with torch.no_grad():
            assert torch.is_tensor(model(torch.randn(1, channels, field), None, mode='tensor'))
        for step in cfg.train_dataloader.dataset.pipeline:
            TRANSFORMS.build(step)
