import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmpose.registry import MODELS

from depth_refine.utils.config import load_config
from depth_refine.visualization import visualization_hook

ROOT = Path(__file__).parents[2]
REFINER = {
    'model.backbone.channels': 64,
    'model.backbone.num_blocks': 1,
    'model.head.in_channels': 64,
    'test_dataloader.dataset.seq_len': 9,
    'test_dataloader.dataset.input_source': 'gt2d+gtdepth',
}


def untrained(folder, data_root, config, options):
    """Arguments of the tool for a demo's config with random weights."""
    options = options | {'test_dataloader.dataset.data_root': str(data_root), 'test_dataloader.num_workers': 0}
    path, checkpoint = ROOT / f'configs/demo/{config}.py', folder / 'random.pth'
    torch.manual_seed(0)
    torch.save(MODELS.build(load_config(str(path), options).model).state_dict(), checkpoint)
    given = ['--cfg-options', *(f'{key}={value}' for key, value in options.items())]
    return [path, checkpoint, '--work-dir', folder, *given]


@pytest.mark.parametrize(('config', 'options'), [('integral', {}), ('refiner', REFINER)])
def test_half_precision_changes_little(tmp_path, data_root, run_tool, config, options):
    command = untrained(tmp_path, data_root, config, options)

    def metrics(*arguments):
        assert run_tool('test', *command, '--out', tmp_path / 'metrics.json', *arguments).status == 0
        return json.loads((tmp_path / 'metrics.json').read_text())

    single, half = metrics(), metrics('--amp')
    for name in ('h36m/MPJPE_mm', 'h36m/P-MPJPE_mm', 'h36m/N-MPJPE_mm'):
        assert 0 < abs(half[name] - single[name]) < 0.2


@pytest.mark.parametrize(('config', 'options'), [('integral', {}), ('refiner', REFINER)])
def test_figures_of_an_untrained_network_show_the_annotation_right(
    tmp_path, data_root, run_tool, monkeypatch, config, options
):
    """The refiner's input are the annotation's 2D joints; crops are the annotation's people."""
    frames, draw = {}, visualization_hook.draw_strip
    monkeypatch.setattr(
        visualization_hook,
        'draw_strip',
        lambda frame, *args, **kw: frames.update({frame.title: frame}) or draw(frame, *args, **kw),
    )
    command = untrained(tmp_path, data_root, config, options)
    assert run_tool('test', *command, '--show-dir', 'shown', '--interval', 7).status == 0
    with np.load(data_root / 'annotation_body3d/fps50/h36m_test.npz') as npz:
        rows = {Path(name).stem: row for row, name in enumerate(npz['imgname'])}
        part, joints, center, half = npz['part'][..., :2], npz['S'][..., :3], npz['center'], 100 * npz['scale']
    assert len(frames) == -(-len(rows) // 7) == len(list(tmp_path.glob('*/shown/*.png')))
    for title, frame in frames.items():
        row = rows[title]
        np.testing.assert_allclose(frame.truth, joints[row], atol=1e-5)
        low, high = frame.box.reshape(2, 2)
        np.testing.assert_allclose((low + high) / 2, center[row], atol=0.01)
        if config == 'refiner':
            np.testing.assert_allclose(frame.keypoints, part[row], atol=0.01)
            np.testing.assert_allclose(high - low, 1.25 * np.ptp(part[row], axis=0), atol=0.01)
        else:
            np.testing.assert_allclose(high - low, 2 * half[row], atol=0.01)
