import multiprocessing
import os

import pytest
import torch
from mmengine.config import Config
from reproduction.cell import Settings
from reproduction.stores import make_stores

from depth_refine.datasets import H36MAnnotation, SequenceStore
from depth_refine.utils.errors import InputError


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
def test_one_of_two_processes_extracts_and_both_hear_if_it_fails(stages, data_root, tmp_path, fails):
    """Stores of a first stage that two processes have trained on four images."""
    if fails:
        (tmp_path / 'out/depth_sequences').mkdir(parents=True)
        (tmp_path / 'out/depth_sequences/h36m_train').write_text('in the way')
    cfg = Config.fromfile(stages[0])
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    cfg.train_dataloader.batch_size = 2
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
