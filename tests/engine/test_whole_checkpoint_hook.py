from types import SimpleNamespace

import pytest
from mmengine.fileio import LocalBackend
from mmengine.logging import MessageHub, MMLogger
from mmengine.runner import EpochBasedTrainLoop
from mmpose.registry import HOOKS

from depth_refine.engine.whole_checkpoint_hook import WholeFileBackend


@pytest.mark.parametrize(
    ('epoch', 'begin', 'interval', 'validated'),
    [(0, 1, 1, 0), (1, 1, 2, 0), (2, 1, 2, 1), (2, 3, 1, 0), (5, 1, 2, 1), (4, 1, 3, 0)],
)
def test_validates_what_is_resumed(tmp_path, epoch, begin, interval, validated):
    """Whenever the interrupted run would have: 5 is the last epoch."""
    runs = []
    loop = EpochBasedTrainLoop.__new__(EpochBasedTrainLoop)
    loop.__dict__.update(_epoch=epoch, _max_epochs=5, val_begin=begin, val_interval=interval)
    runner = SimpleNamespace(work_dir=str(tmp_path), train_loop=loop, logger=MMLogger('a'))
    runner.val_loop, runner.message_hub = SimpleNamespace(run=lambda: runs.append(1)), MessageHub('a')
    hook = HOOKS.build(dict(type='WholeCheckpointHook', save_best=None))
    hook.before_train(runner)
    assert len(runs) == validated and isinstance(hook.file_backend, WholeFileBackend)
    runner.val_loop = None
    hook.before_train(runner)


def test_another_storage_is_used_as_it_is(tmp_path):
    hook = HOOKS.build(dict(type='WholeCheckpointHook', interval=2, backend_args=dict(backend='local')))
    hook.before_train(SimpleNamespace(work_dir=str(tmp_path), train_loop=None, val_loop=None, logger=MMLogger('a')))
    assert hook.interval == 2 and type(hook.file_backend) is LocalBackend


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / '.epoch_3.pth.partial' / 'content').mkdir(parents=True)
    (tmp_path / '.epoch_3.pth.partial' / 'content' / 'epoch_3.pth').write_bytes(b'half')
    (tmp_path / 'epoch_3.pth').write_bytes(b'whole')
    hook = HOOKS.build(dict(type='WholeCheckpointHook'))
    hook.before_train(SimpleNamespace(work_dir=str(tmp_path), train_loop=None, val_loop=None, logger=MMLogger('a')))
    assert [path.name for path in tmp_path.iterdir()] == ['epoch_3.pth']
