"""Hook for checkpoints that an interruption cannot damage."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpose.registry import HOOKS

from depth_refine.utils.atomic import hidden_folder, whole_file


@register_backend('whole_file')
class WholeFileBackend(LocalBackend):
    """MMEngine's backend for local files, with files that appear when they are complete."""

    def put(self, obj: bytes, filepath: str) -> None:
        """Write a file."""
        with whole_file(filepath) as partial:
            super().put(obj, partial)


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """:class:`mmengine.hooks.CheckpointHook` whose files appear when they are complete, by :class:`WholeFileBackend`.

    A resumed training first removes what a killed process left half written in its work dir. It then repeats the
    validation of the epoch it resumes from: the interruption may have come after the previous best checkpoint was
    removed and before the new one was written.

    Args:
        backend_args: of the base class, for storage other than local disks; when files appear is then up to that
            storage.
        arguments, options: other arguments of the base class.

    Example:
        In a config:

            default_hooks = dict(checkpoint=dict(type='WholeCheckpointHook', interval=1, max_keep_ckpts=2))
    """

    def __init__(self, *arguments, backend_args: dict | None = None, **options) -> None:
        super().__init__(*arguments, backend_args=backend_args or dict(backend='whole_file'), **options)

    def before_train(self, runner: Runner) -> None:
        """Remove partial files, and validate a resumed epoch if it is one to be validated."""
        super().before_train(runner)
        if is_main_process():
            for left in Path(runner.work_dir).glob('.*.pth.partial'):
                with hidden_folder(left.with_name(left.name[1 : -len('.partial')])):
                    pass
        loop = runner.train_loop
        if runner.val_loop is None or not isinstance(loop, EpochBasedTrainLoop) or loop.epoch < max(loop.val_begin, 1):
            return
        if loop.epoch % loop.val_interval == 0 or loop.epoch == loop.max_epochs:
            runner.val_loop.run()
