"""Fixes that the OpenMMLab releases need on current PyTorch, and nothing else.

Importing this module, before anything of MMPose, does two things:

* ``mmcv.ops`` becomes importable with mmcv-lite, which has no compiled operators. MMPose and MMDetection import the
  module wherever they run, whether or not they use an operator. A full MMCV is left as it is.
* MMEngine loads its own checkpoints on PyTorch 2.6 or later, and no checkpoint, local or downloaded, can run code.

PyTorch's restricted unpickler calls only functions whose names are allowed. MMEngine's files need a few names more than
it allows by default, and two of these would undo the restriction: ``getattr`` reaches everything, and numpy's ``dtype``
is unsafe (:mod:`depth_refine.utils.safe_pickle`). Our own stand-ins therefore take the place of these names.
"""

import errno
import functools
import importlib
import importlib.util
import io
import os
import pickle
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

import mmengine.runner.checkpoint
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from mmengine.runner import CheckpointLoader

from depth_refine.utils.errors import InputError
from depth_refine.utils.safe_pickle import STAND_INS, StandIn, resolve


class _MissingOps(ModuleType):
    """Stand-in for ``mmcv._ext`` that has every operator; each raises an error when it is called."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith('__'):
            raise AttributeError(name)

        def missing_op(*args: Any, **kwargs: Any) -> NoReturn:
            raise RuntimeError(
                f"MMCV's operator '{name}' is compiled code, which the installed mmcv-lite does not contain. "
                'Use a model without it, or replace mmcv-lite by a full mmcv built for this PyTorch.'
            )

        return missing_op


def _import_mmcv_ops() -> None:
    """Import ``mmcv.ops``, with a stand-in for its compiled part where that is not installed.

    The stand-in leaves ``sys.modules`` at once: MMEngine takes a module of that name for a full MMCV.
    """
    if 'mmcv.ops' in sys.modules or importlib.util.find_spec('mmcv._ext') is not None:
        return
    sys.modules['mmcv._ext'] = _MissingOps('mmcv._ext')
    try:
        importlib.import_module('mmcv.ops')
    finally:
        del sys.modules['mmcv._ext']


class _History(StandIn):
    """Stand-in for ``HistoryBuffer``, whose own ``__setstate__`` would change the class for the whole process."""

    def __setstate__(self, state: dict) -> None:
        self.state = state

    @functools.cached_property
    def value(self) -> HistoryBuffer:
        logs, counts = resolve(self.state['_log_history']), resolve(self.state['_count_history'])
        return HistoryBuffer(logs, counts, self.state['max_length'])


class _OneCycle(StandIn):
    """Stand-in for ``OneCycleParamScheduler``, pickled only as the owner of its annealing function."""


def _method(owner: Any, name: str) -> Callable | None:
    """Stand-in for ``getattr``: the methods that MMEngine stores in checkpoints, by owner and name."""
    if owner is _History and name in HistoryBuffer()._statistics_methods:  # filled when the first buffer is made
        return None  # every HistoryBuffer has them already
    if owner is _OneCycle and name in ('_annealing_cos', '_annealing_linear'):
        return getattr(OneCycleParamScheduler, name)
    raise pickle.UnpicklingError('GLOBAL builtins.getattr')


_ALLOWED: dict[str, Any] = {
    **STAND_INS,
    'builtins.getattr': _method,
    'mmengine.config.config.ConfigDict': ConfigDict,
    'mmengine.logging.history_buffer.HistoryBuffer': _History,
    'mmengine.optim.scheduler.param_scheduler.OneCycleParamScheduler': _OneCycle,
}


_lock = threading.Lock()


class CheckpointFile(io.BufferedReader):
    """A file whose reads stop at its end, since Python allocates whatever length a pickle claims."""

    def __init__(self, path: str | os.PathLike) -> None:
        super().__init__(io.FileIO(path))
        self._end = os.path.getsize(path)

    def read(self, size: int | None = -1) -> bytes:
        """At most ``size`` bytes, all if it is negative or None."""
        left = max(self._end - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left))


@contextmanager
def _allowed_globals() -> Iterator[None]:
    """Let PyTorch's unpickler use the stand-ins, in addition to other names that the user has allowed."""
    with _lock:
        users = torch.serialization.get_safe_globals()
        names = [item[1] if isinstance(item, tuple) else f'{item.__module__}.{item.__qualname__}' for item in users]
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(
            [item for item, name in zip(users, names, strict=True) if name not in _ALLOWED]
            + [(stand_in, name) for name, stand_in in _ALLOWED.items()]
        )
        try:
            yield
        finally:
            torch.serialization.clear_safe_globals()
            torch.serialization.add_safe_globals(users)


def load_restricted(source: str, load: Callable[[], Any]) -> Any:
    """The result of a restricted ``load`` of ``source``; any failure becomes one :class:`InputError`."""
    try:
        with _allowed_globals():
            return resolve(load())
    except Exception as error:  # bytes that are not a checkpoint can fail in any way
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # of the disk or the network
            raise
        # PyTorch re-raises the unpickler's line, inside advice to load the file unsafely.
        reason = str(error.__context__ if error.__suppress_context__ else error).split('\n')[0]
        if refused := re.search(r'GLOBAL (\S+)', reason):
            raise InputError(
                f'{source} was refused: loading it would run {refused[1]}, which checkpoints do not need. Nothing of '
                'it was run. Do not use the file unless you know who made it; if you do, allow that name by '
                'torch.serialization.add_safe_globals.'
            ) from None
        raise InputError(
            f'{source} cannot be read as a checkpoint ({reason}). Expected a file written by MMEngine or torch.save; '
            'it may be cut short or have another format, so copy or download it again.'
        ) from error


def _load(source: str, load: Callable[[], Any]) -> dict:
    """The result of a restricted ``load`` of ``source``, which must be a checkpoint."""
    checkpoint = load_restricted(source, load)
    weights = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else None
    if not isinstance(weights, dict) or not any(isinstance(item, torch.Tensor) for item in weights.values()):
        raise InputError(
            f'{source} is not a checkpoint: expected a dict of weights, or one with a "state_dict", but got '
            f'{type(checkpoint).__name__}. Give the .pth file that training wrote.'
        )
    return checkpoint


def load_from_file(filename: str, map_location: Any = None) -> dict:
    """Load a checkpoint from a file without running any code in it.

    MMEngine calls this for every local path, thus for ``load_from``, ``resume`` and ``mmpose.apis.init_model``.

    Args:
        filename: path of the checkpoint; ``~`` is expanded.
        map_location: as for :func:`torch.load`.

    Returns:
        The checkpoint: a dict with a ``state_dict``, or the weights themselves.

    Raises:
        InputError: there is no such file, it needs more than plain data, or it is not a checkpoint.
    """
    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise InputError(
            f'{filename}: no such checkpoint file. Check the path; a checkpoint is trained, or downloaded, first.'
        )
    try:
        file = CheckpointFile(path)
    except OSError as error:
        raise InputError(f'{filename} cannot be read: {error.strerror}') from error
    with file:
        return _load(filename, lambda: torch.load(file, map_location=map_location, weights_only=True))


def _load_url(url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True) -> dict:
    """Download a checkpoint, or take it from PyTorch's cache, and load it as :func:`load_from_file` does."""
    return _load(
        url, lambda: torch.hub.load_state_dict_from_url(url, model_dir, map_location, progress, weights_only=True)
    )


_import_mmcv_ops()
CheckpointLoader.register_scheme(prefixes='', loader=load_from_file, force=True)
# All of MMEngine's schemes for downloads (https, torchvision, open-mmlab) end in this function, which loads unsafely.
mmengine.runner.checkpoint.load_url = _load_url
