from pathlib import Path

import pytest
from reproduction.cell import Cell, Settings, cell_config

from depth_refine.utils.errors import InputError

CONFIGS = Path(__file__).parents[3] / 'configs'


def settings(data_root='data', out='out', **changes):
    return Settings(CONFIGS, Path(data_root), Path(out), **changes)


def test_config_of_a_cell():
    cell = Cell('ablations/x', 3, 'table1/2d_depth_noise_27', {'train_dataloader.dataset.pipeline.2.sigma_depth': 0.3})
    cfg = cell_config(cell, settings(schedule='short', epochs=2), Path('/stores'))
    assert cfg.model.backbone.channels == 256 and cfg.train_dataloader.dataset.seq_len == 27
    assert cfg.train_dataloader.dataset.pipeline[2].sigma_depth == 0.3
    assert cfg.train_dataloader.dataset.depth_store == '/stores/h36m_train'
    assert cfg.test_dataloader.dataset.depth_store == '/stores/h36m_test'
    assert {cfg[f'{s}_dataloader'].dataset.data_root for s in ('train', 'test')} == {'data'}
    assert (cfg.randomness.seed, cfg.work_dir) == (3, 'out/ablations/x/seed_3')
    assert cfg.val_dataloader is None


def test_full_schedule_is_the_config():
    cfg = cell_config(Cell('table1/2d_243', 0), settings(), Path('s'))
    assert cfg.train_cfg.max_epochs == 80 and cfg.model.backbone.channels == 1024


def test_other_epochs_end_at_the_same_learning_rate():
    long, short = (cell_config(Cell('table1/2d_1', 0), settings(epochs=n), Path('s')) for n in (None, 8))
    assert short.train_cfg.max_epochs == 8
    assert short.param_scheduler[0].gamma ** 8 == pytest.approx(long.param_scheduler[0].gamma ** 80)


def test_config_without_a_reduced_version():
    with pytest.raises(InputError, match=r'refiner_27.py has no reduced version: it needs a dict named short'):
        cell_config(Cell('refiner_27', 0), settings(schedule='short'), Path('s'))


@pytest.mark.parametrize('path', sorted(CONFIGS.glob('table*/*.py')), ids=lambda path: path.stem)
def test_reduced_versions_keep_the_input(path):
    full, short = (
        cell_config(Cell(f'{path.parent.name}/{path.stem}', 0), settings(schedule=s), Path('s'))
        for s in ('full', 'short')
    )
    for split in ('train', 'test'):
        datasets = [cfg[f'{split}_dataloader'].dataset for cfg in (full, short)]
        for key in ('input_source', 'seq_len'):
            assert datasets[0][key] == datasets[1][key]
    assert full.model.backbone.in_channels == short.model.backbone.in_channels
    assert full.model.backbone.type == short.model.backbone.type
