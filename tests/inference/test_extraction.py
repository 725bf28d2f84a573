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


def test_two_data_sets_of_one_name(first_stage, tmp_path):
    cfg, checkpoint = first_stage
    cfg.train_dataloader.dataset = dict(
        type='CombinedDataset',
        datasets=[cfg.train_dataloader.dataset, dict(cfg.train_dataloader.dataset, data_root='b')],
    )
    names = r"have one name, \['h36m_test', 'h36m_train', 'h36m_train'\]"
    with pytest.raises(InputError, match=names):
        extract_depth_sequences(cfg, checkpoint, tmp_path)


def test_files_are_those_of_each_data_set(first_stage, data_root, tmp_path):
    cfg, checkpoint = first_stage
    (tmp_path / 'moved').symlink_to(data_root / 'images')
    plain = extract_depth_sequences(cfg, checkpoint, tmp_path / 'plain')
    del cfg.train_dataloader.dataset['bbox_policy']  # which then is the same
    cfg.train_dataloader.dataset.data_prefix = dict(img=str(tmp_path / 'moved'))
    cfg.test_dataloader.dataset.camera_param_file = str(data_root / 'annotation_body3d/cameras.pkl')
    moved = extract_depth_sequences(cfg, checkpoint, tmp_path / 'of_each')
    for one, other in zip(plain, moved, strict=True):
        np.testing.assert_array_equal(np.load(one / 'keypoints.npy'), np.load(other / 'keypoints.npy'))


def test_subclasses_of_the_data_set_are_extracted(first_stage, tmp_path):
    cfg, checkpoint = first_stage
    plain = extract_depth_sequences(cfg, checkpoint, tmp_path / 'plain')

    @DATASETS.register_module()
    class OwnImageDataset(H36MImageDataset):
        """By another name."""

    cfg.train_dataloader.dataset.type = cfg.test_dataloader.dataset.type = OwnImageDataset.__name__
    try:
        own = extract_depth_sequences(cfg, checkpoint, tmp_path / 'own')
    finally:
        DATASETS.module_dict.pop(OwnImageDataset.__name__)
    assert [path.name for path in own] == [path.name for path in plain] == ['h36m_train', 'h36m_test']
    for one, other in zip(plain, own, strict=True):
        np.testing.assert_array_equal(np.load(one / 'keypoints.npy'), np.load(other / 'keypoints.npy'))


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


@pytest.fixture
def in_two_processes(first_stage, data_root, tmp_path):
    """A function that trains a first stage on four images and makes its stores; the folder of all that came out."""

    def run():
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
        return tmp_path

    return run


@pytest.mark.slow
@pytest.mark.posix
def test_one_of_two_processes_extracts(in_two_processes, data_root):
    out = in_two_processes() / 'out'
    root = data_root / 'annotation_body3d'
    for split in ('train', 'test'):
        annotation = H36MAnnotation(root / f'fps50/h36m_{split}.npz', root / 'cameras.pkl')
        assert len(SequenceStore(out / f'depth_sequences/h36m_{split}', annotation).keypoints) == 96


@pytest.mark.slow
@pytest.mark.posix
def test_both_processes_hear_of_a_failed_extraction(in_two_processes, tmp_path):
    (tmp_path / 'out/depth_sequences').mkdir(parents=True)
    (tmp_path / 'out/depth_sequences/h36m_train').write_text('in the way')
    folder = in_two_processes()
    for rank in range(2):
        assert 'the first process could not extract' in (folder / f'error_{rank}').read_text()
