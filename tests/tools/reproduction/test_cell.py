from pathlib import Path

import pytest
from reproduction.cell import Row, cell_config
from reproduction.tables import table1


def test_config_of_a_cell(settings, tmp_path):
    row = Row('ablations/x', 'refiner_27', {'train_dataloader.dataset.pipeline.2.sigma_depth': 0.3})
    cfg = cell_config(row, 3, settings(schedule='short', epochs=2), Path('/stores'))
    assert cfg.model.backbone.channels == 256 and cfg.train_dataloader.dataset.seq_len == 27
    assert cfg.train_dataloader.dataset.pipeline[2].sigma_depth == 0.3
    assert cfg.train_dataloader.dataset.depth_store == '/stores/h36m_train'
    assert cfg.test_dataloader.dataset.depth_store == '/stores/h36m_test'
    assert {cfg[f'{split}_dataloader'].dataset.data_root for split in ('train', 'test')} == {'data'}
    assert (cfg.randomness.seed, cfg.work_dir) == (3, str(tmp_path / 'out/ablations/x/seed_3'))
    assert cfg.val_dataloader is None


def test_other_epochs_end_at_the_same_learning_rate(settings):
    row = table1.row('2d', 243)
    full, few = (cell_config(row, 0, settings(epochs=epochs)) for epochs in (None, 8))
    assert (full.train_cfg.max_epochs, full.model.backbone.channels) == (160, 1024)
    assert few.train_cfg.max_epochs == 8
    assert few.param_scheduler[0].gamma ** 8 == pytest.approx(full.param_scheduler[0].gamma ** 160)
