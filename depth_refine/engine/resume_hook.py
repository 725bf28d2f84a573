"""Hook that compares a resumed training with its checkpoint."""

import ast
import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, Runner
from mmpose.registry import HOOKS

from depth_refine.utils.errors import InputError

_SECTIONS = ('model', 'optim_wrapper', 'param_scheduler', 'train_dataloader')
_SAME_RESULTS = ('data_root', 'num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor')
_LISTED = 5
_LONGEST = 60  # characters of a value in a message


@HOOKS.register_module()
class ResumeHook(Hook):
    """Compare a checkpoint with the training that resumes it, and log what differs.

    MMEngine compares the pickled metainfo of the data sets, whose bytes differ after loading although all values are
    the same; it resumes a checkpoint that counts iterations as epoch 0, and ends silently if no epoch is left.

    Example:
        In a config:

            custom_hooks = [dict(type='ResumeHook')]
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare before MMEngine takes over the checkpoint's content.

        Raises:
            InputError: it holds weights alone, counts iterations where the config counts epochs, or its training data
                have other joints.
        """
        loop = runner._train_loop
        if not runner._resume or not isinstance(loop, BaseLoop):
            return
        meta, path = checkpoint.get('meta'), runner._load_from or 'the latest checkpoint'
        is_known = isinstance(meta, dict) and {'epoch', 'iter'} <= meta.keys()
        has_ended = is_known and isinstance(loop, EpochBasedTrainLoop) and meta['epoch'] >= loop.max_epochs
        if not is_known or ('optimizer' not in checkpoint and not has_ended):
            raise InputError(
                f'{path} holds weights alone, and cannot be resumed: to start a training from them, give '
                '--cfg-options load_from=PATH instead of --resume'
            )
        meta.pop('config', None)  # in checkpoints older than MMEngine, which would run it as code
        trained, ours = meta.get('dataset_meta'), getattr(runner.train_dataloader.dataset, 'metainfo', None)
        notes = [*_progress_notes(meta, loop), *_config_notes(meta.get('cfg'), runner.cfg.pretty_text)]
        if isinstance(trained, dict) and isinstance(ours, dict):
            notes += _data_notes(trained, ours, path)
            meta['dataset_meta'] = ours  # what MMEngine compares
        for note in notes:
            print_log(f'resuming {path}: {note}', logger='current', level=logging.WARNING)


def _progress_notes(meta: dict, loop: BaseLoop) -> Iterator[str]:
    """Differences in the numbers of epochs and iterations."""
    if not isinstance(loop, EpochBasedTrainLoop):
        return
    if meta['iter'] and not meta['epoch']:
        raise InputError(
            f'the checkpoint counts iterations, of which it has {meta["iter"]}, and the config counts epochs: resume '
            'with the config of that training, or give --cfg-options load_from=PATH to start from its weights'
        )
    if meta['epoch'] >= loop.max_epochs:
        yield (
            f'it has {meta["epoch"]} epochs and the config asks for {loop.max_epochs}, train_cfg.max_epochs: nothing '
            'is left to train'
        )
    iterations = len(loop.dataloader)
    if meta['iter'] != meta['epoch'] * iterations:
        yield (
            f'an epoch had {meta["iter"] / meta["epoch"]:g} iterations and has {iterations}: data, batch size or '
            'processes differ'
        )


def _data_notes(trained: dict, ours: dict, path: str) -> list[str]:
    """Differences between the metainfo of two training data sets."""
    names = [list((meta.get('keypoint_id2name') or {}).values()) for meta in (trained, ours)]
    if all(names) and names[0] != names[1]:
        raise InputError(f'{path} was trained with the joints {names[0]}, but the training data have {names[1]}')
    keys = [key for key in sorted(trained.keys() | ours.keys(), key=str) if not _same(trained.get(key), ours.get(key))]
    return (
        [_listed('the training data differ', [(key, trained.get(key), ours.get(key)) for key in keys])] if keys else []
    )


def _same(one: Any, other: Any) -> bool:
    """Whether two values of metainfo are equal; a list may equal a tuple."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(np.array_equal(one, other))


def _config_notes(before: Any, now: str) -> list[str]:
    """Differences between two config texts, which are not run, in what training computes."""
    try:
        was, is_now = (dict(_leaves(ast.parse(text))) for text in (before, now))
    except (MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        return []  # there is no config, or it cannot be parsed
    keys = sorted({key for key, _ in was.items() ^ is_now.items()})
    what = "the config differs, but optimiser and schedules go on as the checkpoint's"
    return [_listed(what, [(key, was.get(key), is_now.get(key)) for key in keys])] if keys else []


def _leaves(node: ast.AST, name: str = '') -> Iterator[tuple[str, str]]:
    """Dotted names and source texts of all values that are not dicts, in the sections that count."""
    if isinstance(node, ast.Module):
        for statement in node.body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) in _SECTIONS:
                yield from _leaves(statement.value, ast.unparse(statement.targets[0]))
    elif isinstance(node, ast.Call) and not node.args:  # dict(...)
        for keyword in node.keywords:
            if keyword.arg not in _SAME_RESULTS:
                yield from _leaves(keyword.value, f'{name}.{keyword.arg}')
    elif isinstance(node, ast.List | ast.Tuple):
        for index, element in enumerate(node.elts):
            yield from _leaves(element, f'{name}.{index}')
    else:
        yield name, ast.unparse(node)


def _listed(what: str, differing: list[tuple[str, Any, Any]]) -> str:
    """A sentence with names and their values before and now."""
    parts = []
    for name, before, now in differing[:_LISTED]:
        values = f'{before!s} before, {now!s} now'
        parts.append(f'{name} ({values})' if len(values) < _LONGEST else name)
    more = f' and {len(differing) - _LISTED} more' if len(differing) > _LISTED else ''
    return f'{what}: {", ".join(parts)}{more}'
