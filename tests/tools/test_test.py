import json
from pathlib import Path

import pytest
import torch
from mmpose.registry import MODELS

from depth_refine.utils.config import load_config

ROOT = Path(__file__).parents[2]
REFINER = {
    'model.backbone.channels': 64,
    'model.backbone.num_blocks': 1,
    'model.head.in_channels': 64,
    'test_dataloader.dataset.seq_len': 9,
    'test_dataloader.dataset.input_source': 'gt2d+gtdepth',
}


@pytest.mark.parametrize(('config', 'options'), [('integral', {}), ('refiner', REFINER)])
def test_half_precision_changes_little(tmp_path, data_root, run_tool, config, options):
    options = options | {
        'test_dataloader.dataset.data_root': str(data_root),
        'test_dataloader.num_workers': 0,
    }
    path, checkpoint = ROOT / f'configs/demo/{config}.py', tmp_path / 'random.pth'
    torch.manual_seed(0)
    torch.save(MODELS.build(load_config(str(path), options).model).state_dict(), checkpoint)

    def metrics(*arguments):
        command = [path, checkpoint, '--work-dir', tmp_path, '--out', tmp_path / 'metrics.json', *arguments]
        command += ['--cfg-options', *(f'{key}={value}' for key, value in options.items())]
        assert run_tool('test', *command).status == 0
        return json.loads((tmp_path / 'metrics.json').read_text())

    single, half = metrics(), metrics('--amp')
    for name in ('h36m/MPJPE_mm', 'h36m/P-MPJPE_mm', 'h36m/N-MPJPE_mm'):
        assert 0 < abs(half[name] - single[name]) < 0.2
