"""Bounds what mmengine remembers of the numbers that it logs."""

from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmpose.registry import HOOKS


@HOOKS.register_module()
class BoundedHistoryHook(Hook):
    """Keep of each number of training as many values as a line of the log is the mean of.

    mmengine keeps a million and copies all of them at each step, which so becomes slower and slower, and into each
    checkpoint. It still does where the log processor has a ``custom_cfg``, whose windows may reach back to the start.
    """

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None) -> None:
        """Set the lengths, at each step because mmengine makes a history when its first number comes."""
        processor = runner.log_processor
        length = HistoryBuffer().max_length if processor.custom_cfg else processor.window_size
        for name, history in runner.message_hub.log_scalars.items():
            if name.startswith('train/'):
                history.max_length = length
