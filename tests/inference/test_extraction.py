import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpose.registry import DATASETS
from reproduction.cell import Settings
from reproduction.first_stage import make_stores

from depth_refine.datasets import H36MAnnotation, H36MImageDataset, SequenceStore
from depth_refine.inference import extraction
from depth_refine.inference.extraction import extract_depth_sequences
from depth_refine.utils.errors import InputError


@pytest.fixture
def first_stage(stages, data_root):
    """A first stage on the small data, loaded without workers, and its checkpoint."""
    cfg = Config.fromfile(stages[0])
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = str(data_root)
    return cfg, Path(stages[1])


def keypoints(stores):
    return {path.name: np.load(path / 'keypoints.npy') for path in stores}


def test_two_data_sets_of_one_name(first_stage, tmp_path):
    cfg, checkpoint = first_stage
    data_sets = [cfg.train_dataloader.dataset, dict(cfg.train_dataloader.dataset, data_root='b')]
    cfg.train_dataloader.dataset = dict(type='CombinedDataset', datasets=data_sets)
    with pytest.raises(InputError, match=r"have one name, \['h36m_test', 'h36m_train', 'h36m_train'\]"):
        extract_depth_sequences(cfg, checkpoint, tmp_path)


def test_files_of_each_data_set_and_subclasses_of_ours(first_stage, data_root, tmp_path):
    @DATASETS.register_module()
    class OwnImageDataset(H36MImageDataset):
        """A user's."""

    cfg, checkpoint = first_stage
    plain = keypoints(extract_depth_sequences(cfg, checkpoint, tmp_path / 'plain'))
    (tmp_path / 'moved').symlink_to(data_root / 'images')
    del cfg.train_dataloader.dataset['bbox_policy']  # which then is the same
    cfg.train_dataloader.dataset.data_prefix = dict(img=str(tmp_path / 'moved'))
    cfg.test_dataloader.dataset.camera_param_file = str(data_root / 'annotation_body3d/cameras.pkl')
    cfg.train_dataloader.dataset.type = cfg.test_dataloader.dataset.type = OwnImageDataset.__name__
    try:
        own = keypoints(extract_depth_sequences(cfg, checkpoint, tmp_path / 'own'))
    finally:
        DATASETS.module_dict.pop(OwnImageDataset.__name__)
    assert list(own) == list(plain) == ['h36m_train', 'h36m_test']
    for name, expected in plain.items():
        np.testing.assert_array_equal(own[name], expected)
    with pytest.raises(InputError, match='trains and tests on no H36MImageDataset: give a first-stage config'):
        extract_depth_sequences(cfg, checkpoint, tmp_path / 'unknown')


@pytest.mark.parametrize('device', ['cpu', 'cuda'])
def test_copies_to_a_gpu_while_it_computes(first_stage, tmp_path, monkeypatch, device):
    cfg, checkpoint = first_stage
    on_cpu, build_loader, non_blocking, pinned = extraction.optimise_for_inference, Runner.build_dataloader, [], []

    def optimise(model, device, amp):
        non_blocking.append(model.data_preprocessor._non_blocking)
        return on_cpu(model, 'cpu', amp)

    def build_dataloader(cfg):
        pinned.append(cfg.pop('pin_memory', False))
        return build_loader(cfg)

    monkeypatch.setattr(extraction, 'optimise_for_inference', optimise)
    monkeypatch.setattr(extraction.Runner, 'build_dataloader', build_dataloader)
    extract_depth_sequences(cfg, checkpoint, tmp_path, device)
    has_gpu = device == 'cuda'
    assert non_blocking == [has_gpu] and pinned == [has_gpu] * 2


def make_stores_of_rank(rank, folder, config, settings):
    os.environ.update(LOCAL_RANK=str(rank), RANK=str(rank), WORLD_SIZE='2')  # as a launcher does
    torch.distributed.init_process_group('gloo', f'file://{folder}/rendezvous', rank=rank, world_size=2)
    try:
        make_stores(config, settings)
    except InputError as error:
        (folder / f'error_{rank}').write_text(str(error))
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.posix
@pytest.mark.parametrize('fails', [False, True])
def test_one_of_two_processes_extracts_and_both_hear_if_it_fails(first_stage, data_root, tmp_path, fails):
    """Stores of a first stage that two processes have trained on four images."""
    if fails:
        (tmp_path / 'out/depth_sequences').mkdir(parents=True)
        (tmp_path / 'out/depth_sequences/h36m_train').write_text('in the way')
    cfg, _ = first_stage
    cfg.train_dataloader.update(batch_size=2)
    cfg.train_dataloader.dataset.frame_step = 24
    cfg.train_cfg.max_epochs = 1
    config, settings = tmp_path / 'config.py', Settings(tmp_path, data_root, tmp_path / 'out', launcher='pytorch')
    cfg.dump(config)
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['depth_refine'])  # without effect if another test started it
    arguments = [(rank, tmp_path, config, settings) for rank in range(2)]
    ranks = [context.Process(target=make_stores_of_rank, args=args, daemon=True) for args in arguments]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(timeout=120)
    assert [process.exitcode for process in ranks] == [0, 0]
    if fails:
        for rank in range(2):
            assert 'the first process could not extract' in (tmp_path / f'error_{rank}').read_text()
        return
    root = data_root / 'annotation_body3d'
    for split in ('train', 'test'):
        annotation = H36MAnnotation(root / f'fps50/h36m_{split}.npz', root / 'cameras.pkl')
        assert len(SequenceStore(tmp_path / f'out/depth_sequences/h36m_{split}', annotation).keypoints) == 96
