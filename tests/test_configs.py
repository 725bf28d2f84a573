import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.optim import build_optim_wrapper
from mmengine.registry import HOOKS, PARAM_SCHEDULERS
from mmengine.runner import Runner
from mmpose.registry import MODELS, TRANSFORMS
from motion_file import write_motion
from official_mpi_inf_3dhp import write_recording, write_test_set
from reproduction.cell import Settings, cell_config
from reproduction.tables import ablations, beyond, table1, table2
from torch import nn

from depth_refine.data_tools.preparation.mpi_inf_3dhp import prepare_mpi_inf_3dhp
from depth_refine.datasets import H36MAnnotation, PoseAnnotation, write_sequence_store
from depth_refine.datasets.annotation_writer import AnnotatedSequence, write_annotation
from depth_refine.structures.skeleton import Skeleton

CONFIGS = Path(__file__).parents[1] / 'configs'
FILES = sorted(path.relative_to(CONFIGS).as_posix() for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts)
FIRST_STAGES = [name for name in FILES if 'integral' in name]
SLOW = ['integral_h36m.py', 'integral_h36m_only.py', 'beyond/dstformer_2d_depth_27.py']
ROWS = {row.name: row for table in (table1, table2, ablations, beyond) for row in table.ROWS}
# kernel size and number of blocks, by receptive field
FIELDS = {1: (1, 2), 27: (3, 2), 81: (3, 3), 243: (3, 4)}
PAPERS = {f'refiner_{field}.py': field for field in FIELDS}
PAPERS |= {'refiner_243_cpn.py': 243, 'refiner_causal_27.py': 27, 'refiner_causal_243.py': 243}


@pytest.fixture(scope='session')
def sequence_root(data_root, tmp_path_factory):
    """Two videos of 250 frames to train and two to test, with stores that are off by up to 2 px and 0.1 m."""
    root, rng = tmp_path_factory.mktemp('sequences'), np.random.default_rng(0)
    cameras = data_root / 'annotation_body3d/cameras.pkl'
    (root / 'annotation_body3d').mkdir()
    (root / 'annotation_body3d/cameras.pkl').write_bytes(cameras.read_bytes())
    for split in ('train', 'test'):
        short = H36MAnnotation(data_root / f'annotation_body3d/fps50/h36m_{split}.npz', cameras)
        frames, path = np.arange(250), root / f'annotation_body3d/fps50/h36m_{split}.npz'
        videos = [(video.name, video.rows[frames % len(video.rows)]) for video in short.sequences[:2]]
        videos = [AnnotatedSequence(n, frames + 1, short.keypoints[r], short.keypoints_3d[r]) for n, r in videos]
        write_annotation(path, videos, 50)
        annotation = H36MAnnotation(path, cameras)
        depth = annotation.keypoints_3d[..., 2:] - annotation.keypoints_3d[:, :1, 2:]
        keypoints = np.concatenate([annotation.keypoints, depth], axis=-1)
        keypoints += rng.uniform(-1, 1, keypoints.shape) * [2, 2, 0.1]
        ones, rows = np.ones(keypoints.shape[:2], np.float32), np.arange(len(annotation))
        with write_sequence_store(root / f'stores/h36m_{split}', annotation, 'b', {}, has_depth_std=True) as writer:
            writer.write(rows, keypoints, ones, depth_std=0.05 * ones)
    return root


@pytest.fixture(scope='session')
def mpi_root(tmp_path_factory):
    """A recording and a test set of MPI-INF-3DHP, and stores that know the truth."""
    raw, root = tmp_path_factory.mktemp('raw'), tmp_path_factory.mktemp('mpi') / 'data'
    write_recording(raw, 'S1/Seq1', 90, 1)
    write_test_set(raw, 'TS5', (1920, 1080), [i % 2 == 0 for i in range(90)], 5)
    prepare_mpi_inf_3dhp(raw, root, workers=1)
    skeleton = Skeleton.from_metainfo(dict(from_file='configs/_base_/datasets/mpi_inf_3dhp.py'), 'root')
    for split in ('train', 'test'):
        path = root / f'annotation_body3d/fps25/mpi_inf_3dhp_universal_{split}.npz'
        annotation = PoseAnnotation(path, root / 'annotation_body3d/cameras.pkl', skeleton)
        depth = annotation.keypoints_3d[..., 2:] - annotation.keypoints_3d[:, [14], 2:]
        with write_sequence_store(root / f'stores/h36m_{split}', annotation, 'b', {}) as writer:
            keypoints = np.concatenate([annotation.keypoints, depth], axis=-1)
            writer.write(np.arange(len(annotation)), keypoints, np.ones(keypoints.shape[:2], np.float32))
    return root


@pytest.fixture(scope='session')
def motion_file(tmp_path_factory):
    """Two clips of motion."""
    return write_motion(tmp_path_factory.mktemp('motion') / 'motion.npz', lengths=(250, 243))


def loaded_here(cfg, **dataset):
    """A config whose loaders have no workers and small batches."""
    for split in ('train', 'val', 'test'):
        if loader := cfg[f'{split}_dataloader']:
            loader.update(num_workers=0, persistent_workers=False, batch_size=min(loader.batch_size, 4))
            stores = dict(depth_store=f'stores/h36m_{split.replace("val", "test")}', bbox_policy=None)
            loader.dataset.update(**dataset, **(stores if 'depth_store' in loader.dataset else {}))
    return cfg


def first_stage(name, data_root, body_2d_root, batch_size=4):
    """A first stage's config on small data, loaded without workers."""
    cfg = loaded_here(Config.fromfile(CONFIGS / name))
    datasets = cfg.train_dataloader.dataset.get('datasets', [cfg.train_dataloader.dataset])
    for part, root in zip(datasets, (data_root, body_2d_root / 'coco', body_2d_root / 'mpii'), strict=False):
        part.data_root = str(root)
    cfg.val_dataloader.dataset.data_root = cfg.test_dataloader.dataset.data_root = str(data_root)
    cfg.train_dataloader.batch_size = batch_size
    return cfg


def assert_trains_and_predicts(cfg):
    """From the first batch of its data to an optimiser's step, and from its test data to errors."""
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    losses = model.train()(**model.data_preprocessor(batch, training=True), mode='loss')
    loss, _ = model.parse_losses(losses)
    assert 0 < loss.item() < 10  # of metres, or of coordinates from 0 to 1, untrained
    loss.backward()
    weights = {name: p for name, p in model.named_parameters() if p.ndim > 1}
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in weights.values())
    build_optim_wrapper(model, cfg.optim_wrapper).step()

    data = Runner.build_dataloader(cfg.test_dataloader)
    evaluator = Evaluator(cfg.test_evaluator)
    evaluator.dataset_meta = data.dataset.metainfo
    with torch.no_grad():
        samples = model.eval().test_step(batch := next(iter(data)))
    evaluator.process(samples, batch)
    assert all(sample.pred_instances.flip_test == cfg.model.test_cfg.flip_test for sample in samples)
    (error,) = (value for name, value in evaluator.evaluate(len(samples)).items() if name.endswith('/MPJPE_mm'))
    assert 0 < error < 1e4
    return model


@pytest.mark.parametrize('name', [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in FILES])
def test_trains_and_predicts(name, data_root, body_2d_root, sequence_root, mpi_root, motion_file):
    of_mpi, of_motion = (name.startswith(folder) for folder in ('mpi_inf_3dhp', 'mocap'))
    if of_mpi:
        cfg = loaded_here(Config.fromfile(CONFIGS / name), data_root=str(mpi_root))
    elif of_motion:
        cfg = loaded_here(Config.fromfile(CONFIGS / name), motion_file=str(motion_file))
    elif name in FIRST_STAGES:
        cfg = first_stage(name, data_root, body_2d_root)
    else:
        cfg = loaded_here(Config.fromfile(CONFIGS / name), data_root=str(sequence_root))
    loaders = [cfg[f'{split}_dataloader'].dataset for split in ('train', 'val', 'test')]
    assert [part.get('test_mode', False) for part in loaders] == [False, True, True]
    Runner.build_dataloader(cfg.val_dataloader)
    model = assert_trains_and_predicts(cfg)
    if name not in FIRST_STAGES:  # the receptive field stands in the model and in three loaders
        assert {part.seq_len for part in loaders} == {model.receptive_field}
        assert len({part.input_source for part in loaders}) == len({part.get('causal', False) for part in loaders}) == 1
        assert getattr(model.backbone, 'causal', False) == loaders[0].get('causal', False) == ('causal' in name)
    original = Config.fromfile(CONFIGS / name)
    assert original.auto_scale_lr.base_batch_size == original.train_dataloader.batch_size
    metric = 'mpi_inf_3dhp' if of_mpi else 'pose3d' if of_motion else 'h36m'
    assert original.default_hooks.checkpoint.save_best == f'{metric}/MPJPE_mm'


@pytest.mark.parametrize('row', ROWS.values(), ids=ROWS)
def test_rows_of_tables_train_and_predict(row, sequence_root, tmp_path):
    settings = Settings(CONFIGS, sequence_root, tmp_path, schedule='short')
    cfg = loaded_here(cell_config(row, 0, settings, sequence_root / 'stores'), data_root=str(sequence_root))
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    assert (train.input_source, train.seq_len) == (test.input_source, test.seq_len)
    assert assert_trains_and_predicts(cfg).receptive_field == train.seq_len
    full = cell_config(row, 0, settings._replace(schedule='full'), sequence_root / 'stores')
    for key in ('input_source', 'seq_len', 'pipeline'):
        assert full.train_dataloader.dataset[key] == train[key]


@pytest.mark.parametrize(('name', 'field'), PAPERS.items())
def test_refiners_at_the_papers_size_and_pavllos_schedule(name, field):
    cfg = Config.fromfile(CONFIGS / name)
    backbone = cfg.model.backbone
    assert (backbone.kernel_size, backbone.num_blocks) == FIELDS[field]
    assert (backbone.channels, backbone.dropout) == (1024, 0.25)
    assert MODELS.build(cfg.model).receptive_field == field

    # VideoPose3D: its recipe (DOCUMENTATION.md), ChunkedGenerator with augment, and the end of an epoch in run.py
    frames, batch_size, epochs, lr, lr_decay, momentum = 1_559_752, 1024, 80, 1e-3, 0.95, (0.1, 0.001)
    pairs = 2 * frames
    num_batches = (pairs + batch_size - 1) // batch_size
    ours = cfg.train_cfg.max_epochs
    assert cfg.train_dataloader.batch_size == batch_size and ours * frames == epochs * pairs
    # each of our epochs, too, ends with a batch that is not full
    assert 0 <= ours * math.ceil(frames / batch_size) - epochs * num_batches <= epochs
    model = nn.BatchNorm1d(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.optim_wrapper.optimizer.lr)
    (scheduler,) = (PARAM_SCHEDULERS.build(dict(s, optimizer=optimizer)) for s in cfg.param_scheduler)
    (hook,) = (HOOKS.build(hook) for hook in cfg.custom_hooks if hook.type == 'BatchNormMomentumHook')
    for epoch in range(ours):
        hook.before_train_epoch(SimpleNamespace(model=model, epoch=epoch, max_epochs=ours))
        theirs = epoch * frames / pairs
        assert optimizer.param_groups[0]['lr'] == pytest.approx(lr * lr_decay**theirs)
        decay = np.exp(-theirs / epochs * np.log(momentum[0] / momentum[1]))
        assert model.momentum == pytest.approx(momentum[0] * decay)
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]['lr'] == pytest.approx(lr * lr_decay**epochs)


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
    labels = samples.gt_instance_labels
    weights_of = labels.keypoint_weights[..., None] * (labels.keypoint_labels.clamp(0, 1) == labels.keypoint_labels)
    for has_depth, weights, grad in zip(of_h36m, weights_of, gradient, strict=True):
        assert torch.equal(grad != 0, weights != 0)
        assert (weights[:, :2] > 0).any() and (weights[:, 2] > 0).any() == has_depth


def test_integral_at_the_papers_size():
    model, shapes = MODELS.build(Config.fromfile(CONFIGS / 'integral_h36m.py').model), []
    *_, last = (module for module in model.head.modules() if isinstance(module, nn.Conv2d))
    last.register_forward_hook(lambda module, inputs, heatmaps: shapes.append(heatmaps.shape))
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 256, 256), None, mode='tensor').shape == (1, 17, 3)
    assert shapes == [(1, 17 * 72, 64, 64)] and model.head.decoder.depth_range == 1.5


def test_config_in_the_readme(tmp_path):
    (text,) = [block.split('```')[0] for block in (CONFIGS.parent / 'README.md').read_text().split('```python\n')[1:]]
    (tmp_path / 'config.py').write_text(text)
    trains_on_windows(Config.fromfile(tmp_path / 'config.py'), channels=34)


def test_mmposes_tcn_on_our_depth_sequences(tmp_path):
    backbone = re.search(r'`(backbone=dict\(.*?\)\))`', (CONFIGS.parent / 'docs/customize.md').read_text())[1]
    (tmp_path / 'config.py').write_text(f"_base_ = ['{CONFIGS}/refiner_27.py']\nmodel = dict({backbone})\n")
    trains_on_windows(Config.fromfile(tmp_path / 'config.py'), channels=51)


def trains_on_windows(cfg, channels):
    """Model and pipeline can be built, and the model takes 27 frames."""
    model = MODELS.build(cfg.model).eval()
    with torch.no_grad():
        assert torch.is_tensor(model(torch.randn(1, channels, 27), None, mode='tensor'))
    for step in cfg.train_dataloader.dataset.pipeline:
        TRANSFORMS.build(step)
