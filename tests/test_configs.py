import json
import multiprocessing
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpose.registry import DATASETS, METRICS, MODELS, TRANSFORMS

from depth_refine.inference import extraction

CONFIGS = Path(__file__).parents[1] / 'configs'
FILES = sorted(
    path.relative_to(CONFIGS).as_posix() for folder in ('.', 'demo') for path in (CONFIGS / folder).glob('*.py')
)
FIELDS = {1: (1, 2), 27: (3, 2), 81: (3, 3), 243: (3, 4)}
CAUSAL = {'refiner_causal_27.py': 27, 'refiner_causal_243.py': 243}


def test_the_fixed_configs_are_there():
    assert {'integral_h36m.py', *(f'refiner_{field}.py' for field in FIELDS), *CAUSAL} <= set(FILES)


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
        datasets = (train, cfg.val_dataloader.dataset, test)
        assert {part.get('causal', False) for part in datasets} == {model.backbone.causal} == {name in CAUSAL}
        shape, expected = (2, 17 * channels, field + 3), (2, 4, 17, 3)
    with torch.no_grad():
        assert model(torch.randn(shape), None, mode='tensor').shape == expected

    for dataset in (train, *train.get('datasets', ()), cfg.val_dataloader.dataset, test):
        assert DATASETS.get(dataset.type) is not None
        for step in dataset.pipeline:
            TRANSFORMS.build(step)
    assert cfg.val_dataloader.dataset.test_mode and test.test_mode and not train.get('test_mode', False)
    METRICS.build(cfg.test_evaluator)


@pytest.mark.parametrize(('name', 'field'), [*((f'refiner_{field}.py', field) for field in FIELDS), *CAUSAL.items()])
def test_refiners_at_the_papers_size(name, field):
    cfg = Config.fromfile(CONFIGS / name)
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


def first_stage(name, data_root, body_2d_root, **train_dataloader):
    """A first stage's config on small data, loaded without workers."""
    cfg = Config.fromfile(CONFIGS / name)
    dataset = cfg.train_dataloader.dataset
    for part, root in zip(
        dataset.get('datasets', [dataset]), (data_root, body_2d_root / 'coco', body_2d_root / 'mpii'), strict=False
    ):
        part.data_root = str(root)
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False, **train_dataloader)
    return cfg


def test_integral_trains_depth_on_human36m_alone(data_root, body_2d_root):
    cfg = first_stage('integral_h36m.py', data_root, body_2d_root, batch_size=8)
    cfg.model.update(Config.fromfile(CONFIGS / 'demo/integral.py').model)
    model = MODELS.build(cfg.model)
    coordinates = []
    model.head.register_forward_hook(lambda module, inputs, output: coordinates.append(output))
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    loss = model.loss(**model.data_preprocessor(batch, training=True))['loss_kpt']
    (gradient,) = torch.autograd.grad(loss, coordinates)
    (samples,) = batch['data_samples']
    of_h36m = ['h36m' in path for path in samples.img_path]
    assert of_h36m == [True, True, False, False] * 2
    for has_depth, weights, grad in zip(of_h36m, samples.gt_instance_labels.keypoint_weights, gradient, strict=True):
        assert torch.equal(grad != 0, weights != 0)
        assert (weights[:, :2] > 0).any() and (weights[:, 2] > 0).any() == has_depth

    before = model.head.heatmap_head.final_layer.weight.clone()
    log = model.train_step(batch, build_optim_wrapper(model, cfg.optim_wrapper))
    torch.testing.assert_close(log['loss'], loss.detach())
    assert not torch.equal(model.head.heatmap_head.final_layer.weight, before)


def test_integral_extracts_human36m_alone(data_root, body_2d_root):
    cfg = first_stage('integral_h36m.py', data_root, body_2d_root)
    nodes = list(extraction._image_datasets([cfg.train_dataloader, cfg.test_dataloader]))
    assert [Path(node.ann_file).stem for node in nodes] == ['h36m_train', 'h36m_test']
    assert {node.bbox_policy for node in nodes} == {'annotation'}


def draw(rank, folder, names):
    """Write down which images one of two processes is given in two epochs."""
    init_default_scope('mmpose')
    torch.distributed.init_process_group('gloo', f'file://{folder}/rendezvous', rank=rank, world_size=2)
    drawn = {}
    for name in names:
        loader = Runner.build_dataloader(Config.fromfile(folder / name).train_dataloader)  # no seed
        drawn[name] = []
        for epoch in range(2):
            loader.sampler.set_epoch(epoch)
            paths = [[loader.dataset.get_data_info(i)['img_path'] for i in batch] for batch in loader.batch_sampler]
            drawn[name].append(paths)
    (folder / f'{rank}.json').write_text(json.dumps(drawn))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def test_first_stages_share_an_epoch_between_processes(data_root, body_2d_root, tmp_path):
    names = ['integral_h36m.py', 'integral_h36m_only.py']
    for name in names:
        first_stage(name, data_root, body_2d_root, batch_size=4).dump(tmp_path / name)
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['depth_refine'])  # without effect if another test started it
    ranks = [context.Process(target=draw, args=(rank, tmp_path, names)) for rank in range(2)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
    assert [process.exitcode for process in ranks] == [0, 0]
    drawn = [json.loads((tmp_path / f'{rank}.json').read_text()) for rank in range(2)]
    frames = {str(path) for path in data_root.glob('images/S1/*/*.jpg') if int(path.stem[-6:]) % 5 == 1}
    for name in names:
        for ranks in zip(*(rank[name] for rank in drawn), strict=True):
            shares = [{path for batch in batches for path in batch if 'h36m' in path} for batches in ranks]
            assert shares[0].isdisjoint(shares[1]) and shares[0] | shares[1] == frames
            for batch in (batch for batches in ranks for batch in batches):
                of_h36m = ['h36m' in path for path in batch]
                assert of_h36m == ([True, True, False, False] if name == names[0] else [True] * 4)
        assert drawn[0][name][0] != drawn[0][name][1]


@pytest.mark.parametrize('name', FILES)
def test_learning_rate_is_that_of_the_batch_size(name):
    cfg = Config.fromfile(CONFIGS / name)
    assert cfg.auto_scale_lr.base_batch_size == cfg.train_dataloader.batch_size


def test_only_training_inputs_of_our_refiner_are_noisy():
    noisy = {
        name: [step.type for step in Config.fromfile(CONFIGS / name).train_dataloader.dataset.pipeline]
        for name in FILES
        if 'refiner' in name
    }
    clean = {'demo/refiner_2d.py', 'demo/refiner_2d_depth.py', 'demo/refiner_gt2d.py', 'demo/refiner_gt2d_gtdepth.py'}
    clean.add('refiner_243_cpn.py')
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
