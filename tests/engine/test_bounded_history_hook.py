import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

CONFIGS = Path(__file__).parents[2] / 'configs'
ITERATIONS, EPOCHS, WINDOW = 9, 3, 5
WHOLE_RUN = [
    dict(data_src='loss', log_name='loss_of_epoch', method_name='mean', window_size='epoch'),
    dict(data_src='loss', log_name='largest_loss', method_name='max', window_size='global'),
    dict(data_src='loss', log_name='smallest_loss', method_name='min'),
]


class Slope(BaseModel):
    """Learns a slope."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1, bias=False)
        nn.init.ones_(self.layer.weight)

    def forward(self, x, y, mode):
        return dict(loss=(self.layer(torch.stack(x)) - torch.stack(y)).square().mean())


def train(work_dir, custom_cfg, hooks, **options):
    """A finished runner, and its log without times."""
    runner = Runner(
        Slope(),
        str(work_dir),
        train_dataloader=dict(
            batch_size=1,
            dataset=[dict(x=torch.tensor([i / 9]), y=torch.tensor([(i * 0.7) % 1])) for i in range(ITERATIONS)],
            sampler=dict(type='DefaultSampler', shuffle=False),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=EPOCHS),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1), clip_grad=dict(max_norm=1.0)),
        param_scheduler=dict(type='ExponentialLR', gamma=0.9),
        default_hooks=dict(logger=dict(type='LoggerHook', interval=4), **hooks),
        log_processor=dict(window_size=WINDOW, custom_cfg=custom_cfg),
        **options,
        experiment_name=str(work_dir).replace('/', '_'),
        default_scope='mmpose',
    )
    runner.train()
    log = Path(runner.log_dir, 'vis_data', 'scalars.json').read_text().splitlines()
    return runner, [{key: value for key, value in json.loads(line).items() if 'time' not in key} for line in log]


@pytest.fixture
def ours():
    """The hook as our configs have it."""
    return dict(bounded=Config.fromfile(CONFIGS / '_base_/default_runtime.py').default_hooks.bounded_history)


@pytest.mark.parametrize('custom_cfg', [[], WHOLE_RUN])
def test_the_log_is_the_same(tmp_path, ours, custom_cfg):
    _, expected = train(tmp_path / 'without', custom_cfg, {})
    runner, log = train(tmp_path / 'with', custom_cfg, ours)
    assert log == expected and len(log) == EPOCHS * (ITERATIONS // 4)
    assert {'loss', 'lr', 'grad_norm', *(cfg['log_name'] for cfg in custom_cfg)} < set(log[0])
    checkpoint = str(tmp_path / 'with/epoch_1.pth')  # means then reach back to before the interruption
    assert train(tmp_path / 'resumed', custom_cfg, ours, resume=True, load_from=checkpoint)[1] == expected[2:]
    histories = runner.message_hub.log_scalars
    lengths = {len(numbers) for history in histories.values() for numbers in history.data}
    assert len(histories) == 5 and lengths == {EPOCHS * ITERATIONS if custom_cfg else WINDOW}
