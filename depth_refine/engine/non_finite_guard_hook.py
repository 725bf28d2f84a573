"""Hook that keeps steps with a loss or gradient that is not finite away from the weights, and names the cause."""

from functools import partial

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpose.registry import HOOKS
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from depth_refine.utils.errors import InputError

from .step_diagnosis import diagnose

_LEAST_LOSS_SCALE = 1.0  # a gradient that overflows without scaling is not due to the loss scaler


@HOOKS.register_module()
class NonFiniteGuardHook(Hook):
    """Stop training, or skip a step, when a loss or the gradient is NaN or infinite.

    The gradient's norm is checked before each step of the optimiser, so that no bad step reaches the weights or a
    checkpoint. A loss that is not finite makes the whole gradient NaN. Losses whose gradient would stay finite, as L1
    of a NaN target, are therefore found as well, and processes that average their gradients all decide alike. Works
    with any optimiser wrapper. With a loss scaler, which checks the gradient itself, skipped steps are the scaler's
    search for a scale; they count only if a loss is not finite or the scale has fallen below 1.

    mmdet's ``CheckInvalidLossHook`` checks every 50th loss only, and after the step.

    The hook waits for the device once per step, before the step. ``RuntimeInfoHook``, which would wait for each loss
    after it, then finds them on the CPU.

    Args:
        policy: ``'stop'`` with one message that names iteration, epoch, samples and the bad input; or ``'skip'``: log
            that message with the count and go on as if there had been no such batch, batch-norm statistics included.
        max_skipped: with ``'skip'``, the number of bad steps to skip; the next one stops training.

    Raises:
        InputError: an unknown policy; while training, a bad step under the policy; or weights or statistics that are
            not finite when a checkpoint is due, which is then not written.

    Example:
        In a config:

            custom_hooks = [dict(type='NonFiniteGuardHook', policy='skip', max_skipped=10)]
    """

    priority = 'HIGHEST'  # before RuntimeInfoHook

    def __init__(self, policy: str = 'stop', max_skipped: int = 10) -> None:
        if policy not in ('stop', 'skip') or max_skipped < 0:
            raise InputError(
                f"NonFiniteGuardHook needs policy='stop' or 'skip' and max_skipped >= 0, got {policy!r} and "
                f'{max_skipped}'
            )
        self.policy = policy
        self.max_skipped = max_skipped
        self.skipped = 0
        # since the last step; accumulated gradients have several
        self._batches: list[dict] = []
        self._losses: list[dict[str, Tensor]] = []
        self._read: dict[str, Tensor] | None = None  # losses on the CPU, once the optimiser was about to step

    def before_train(self, runner) -> None:
        """Register hooks on the model's losses and the optimiser's steps."""
        self._model = model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self._buffers = [(buffer, buffer.clone()) for buffer in model.buffers()] if self.policy == 'skip' else []
        optimizer = runner.optim_wrapper.optimizer
        self._watches = [
            model.register_forward_hook(self._watch_losses),
            optimizer.register_step_pre_hook(lambda *_: self._before_step(runner, optimizer)),
        ]

    def before_train_iter(self, runner, batch_idx: int, data_batch: dict | None = None) -> None:
        """Remember the batch."""
        self._batches.append(data_batch)

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None) -> None:
        """Check a step that the loss scaler skipped, and reset after each step."""
        if not runner.optim_wrapper.should_update():
            return
        if self._read is not None:
            outputs.update(self._read)
        else:
            finite = all(torch.isfinite(value).all() for value in outputs.values())
            if not finite or runner.optim_wrapper.loss_scaler.get_scale() < _LEAST_LOSS_SCALE:
                self._reject(runner)
        self._batches.clear()
        self._losses.clear()
        self._read = None

    def after_train_epoch(self, runner) -> None:
        """Check the weights before ``CheckpointHook`` removes an older checkpoint in favour of theirs."""
        self.before_save_checkpoint(runner, dict(state_dict=self._model.state_dict()))

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Refuse to write a checkpoint whose weights or statistics are not finite."""
        state = {name: value for name, value in checkpoint['state_dict'].items() if value.is_floating_point()}
        if state and not get_total_norm(state.values(), float('inf')).isfinite():
            bad = [name for name, value in state.items() if not value.isfinite().all()]
            raise InputError(
                f'{len(bad)} of {len(state)} weights and statistics are not finite in epoch {runner.epoch + 1}, first '
                f'{bad[0]}, and no checkpoint was written: the network diverged. Lower the learning rate and continue '
                f'from the last checkpoint in {runner.work_dir}.'
            )

    def after_train(self, runner) -> None:
        """Remove the hooks, and log how many steps were skipped."""
        for watch in self._watches:
            watch.remove()
        if self.skipped:
            runner.logger.warning(
                f'{self.skipped} training steps were skipped: their losses or gradients were not finite'
            )

    def _watch_losses(self, model: nn.Module, args: tuple, outputs) -> None:
        """Make the gradient of a loss that is not finite NaN, and keep the losses."""
        if not (model.training and isinstance(outputs, dict)):
            return
        for values in outputs.values():
            for value in values if isinstance(values, list) else [values]:
                if value.requires_grad:  # 0 times what is not finite is NaN
                    value.register_hook(partial(torch.add, 0 * value.detach()))
        with torch.no_grad():
            self._losses.append(model.parse_losses(outputs)[1])

    def _before_step(self, runner, optimizer: Optimizer) -> None:
        """Read norm and losses in one transfer, and reject a bad step."""
        parameters = [parameter for group in optimizer.param_groups for parameter in group['params']]
        losses, gradients = self._losses[-1], [p.grad for p in parameters if p.grad is not None]
        norm, *values = torch.stack([get_total_norm(gradients), *losses.values()]).float().cpu()
        if not norm.isfinite() and hasattr(optimizer, 'found_inf'):
            return  # a loss scaler calls fused optimisers even then, and they skip the step themselves
        self._read = dict(zip(losses, values, strict=True))
        if norm.isfinite():
            for buffer, last_good in self._buffers:
                last_good.copy_(buffer)
        else:
            self._reject(runner)

    def _reject(self, runner) -> None:
        """Stop training, or remove the gradients, so that the step changes nothing."""
        where = f'iteration {runner.iter + 1} (epoch {runner.epoch + 1})'
        cause = diagnose(self._batches, self._losses, self._model, runner.train_dataloader.dataset)
        if self.policy == 'stop' or self.skipped == self.max_skipped:
            count = f' after {self.skipped} skipped steps' if self.skipped else ''
            raise InputError(
                f'training stopped in {where}{count}: {cause} No step was made with this batch; the checkpoints in '
                f'{runner.work_dir} are from before it, and --resume goes on from the last.'
            )
        self.skipped += 1
        runner.logger.error(  # below this level, mmengine logs the first process only
            f'step skipped in {where}, {self.skipped} so far, stopping after {self.max_skipped}: {cause}'
        )
        for parameter in self._model.parameters():
            parameter.grad = None
        for buffer, last_good in self._buffers:
            buffer.copy_(last_good)
