"""What the OpenMMLab releases need on current PyTorch, and nothing else.

Importing this module, before anything of MMPose, does two things:

* ``mmcv.ops`` becomes importable with mmcv-lite, which has no compiled operators. MMPose and MMDetection import the
  module wherever they run, whether or not they use an operator. A full MMCV is left as it is.
* MMEngine loads its own checkpoints on PyTorch 2.6 or later, and no checkpoint, local or downloaded, can run code.

PyTorch's restricted unpickler calls only what it is told to. MMEngine's files need a few names more than it allows by
default, and two of these would undo the restriction: ``getattr`` reaches everything, and numpy's ``dtype`` takes its
flags from the file, which can declare bytes to be pointers. Names are therefore answered by stand-ins of ours, each of
which can make one kind of plain value; :func:`_resolve` then puts the real arrays and buffers in their places.
"""

import importlib
import importlib.util
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
import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from mmengine.runner import CheckpointLoader

from depth_refine.errors import InputError

# ---------------------------------------------------------------------------------------------- compiled operators


class _MissingOps(ModuleType):
    """Stand-in for ``mmcv._ext``: has every operator, and each raises when called."""

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


# ----------------------------------------------------------------------------------- stand-ins for pickled objects


class _Dtype:
    """Stand-in for ``numpy.dtype``: booleans, numbers and text of a fixed size."""

    def __init__(self, code: str, align: bool = False, copy: bool = False) -> None:
        if not re.fullmatch(r'b1|[iufc]\d+|[SU]\d+', code):
            raise pickle.UnpicklingError(f'GLOBAL numpy.dtype({code!r})')
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        # Of (version, byte order, fields, ..., flags), the code above leaves only the byte order open.
        self.value = self.value.newbyteorder(state[1])


class _Array:
    """Stand-in for ``numpy.ndarray``."""

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran_order, data = state
        array = np.frombuffer(data, dtype.value).reshape(shape, order='F' if fortran_order else 'C')
        self.value = array.astype(dtype.value.newbyteorder('='))


class _History:
    """Stand-in for ``HistoryBuffer``, whose own ``__setstate__`` would change the class for the whole process."""

    def __setstate__(self, state: dict) -> None:
        self.state = state

    @property
    def value(self) -> HistoryBuffer:
        logs, counts = _resolve(self.state['_log_history']), _resolve(self.state['_count_history'])
        return HistoryBuffer(logs, counts, self.state['max_length'])


class _OneCycle:
    """Stand-in for ``OneCycleParamScheduler``, pickled only as the owner of its annealing function."""


def _reconstruct(*_: Any) -> _Array:
    """Stand-in for numpy's function of that name: an array still without its state."""
    return _Array()


def _scalar(dtype: _Dtype, data: bytes) -> np.generic:
    """Stand-in for numpy's function of that name."""
    return np.frombuffer(data, dtype.value)[0]


def _method(owner: Any, name: str) -> Callable | None:
    """Stand-in for ``getattr``: the methods that MMEngine stores in checkpoints, by owner and name."""
    if owner is _History and name in HistoryBuffer()._statistics_methods:  # filled when the first buffer is made
        return None  # every HistoryBuffer has them already
    if owner is _OneCycle and name in ('_annealing_cos', '_annealing_linear'):
        return getattr(OneCycleParamScheduler, name)
    raise pickle.UnpicklingError('GLOBAL builtins.getattr')


def _empty_bytes() -> bytes:
    """Stand-in for ``bytes``, which pickles call for an empty array's data and without arguments only."""
    return b''


_ALLOWED: dict[str, Any] = {
    'builtins.bytes': _empty_bytes,
    'builtins.getattr': _method,
    'mmengine.config.config.ConfigDict': ConfigDict,
    'mmengine.logging.history_buffer.HistoryBuffer': _History,
    'mmengine.optim.scheduler.param_scheduler.OneCycleParamScheduler': _OneCycle,
    'numpy.dtype': _Dtype,
    'numpy.ndarray': _Array,
    # numpy 2 and numpy 1 name the same functions differently.
    'numpy._core.multiarray._reconstruct': _reconstruct,
    'numpy._core.multiarray.scalar': _scalar,
    'numpy.core.multiarray._reconstruct': _reconstruct,
    'numpy.core.multiarray.scalar': _scalar,
}


def _resolve(value: Any) -> Any:
    """Replace the stand-ins in a loaded object by what they stand for; dicts and lists are changed in place."""
    if isinstance(value, _Array | _Dtype | _History):
        return value.value
    if isinstance(value, dict):
        for key, item in dict.items(value):
            dict.__setitem__(value, key, _resolve(item))
    elif isinstance(value, list):
        value[:] = map(_resolve, value)
    elif type(value) is tuple:
        return tuple(map(_resolve, value))
    return value


# ------------------------------------------------------------------------------------------------ loading checkpoints

_lock = threading.Lock()


@contextmanager
def _allowed_globals() -> Iterator[None]:
    """Let PyTorch's unpickler use the stand-ins, beside what the user has allowed under other names."""
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


def _load(source: str, load: Callable[[], Any]) -> dict:
    """Run a restricted ``load`` of ``source`` and return a checkpoint, or raise one :class:`InputError`."""
    try:
        with _allowed_globals():
            checkpoint = _resolve(load())
    except OSError:  # the disk or the network, which say so themselves
        raise
    except Exception as error:  # bytes that are no checkpoint can fail in any way
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
            'it may be cut short or of another kind, so copy or download it again.'
        ) from error

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
        filename: Path of the checkpoint; ``~`` is expanded.
        map_location: As for :func:`torch.load`.

    Returns:
        The checkpoint: a dict with a ``state_dict``, or the weights themselves.

    Raises:
        InputError: If there is no such file, if it asks for anything but plain data, or if it is not a checkpoint.
    """
    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise InputError(f'{filename}: no such checkpoint file. Check the path, or train the model first.')
    return _load(filename, lambda: torch.load(path, map_location=map_location, weights_only=True))


def _load_url(url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True) -> dict:
    """Download a checkpoint, or take it from PyTorch's cache, and load it as :func:`load_from_file` does."""
    return _load(
        url, lambda: torch.hub.load_state_dict_from_url(url, model_dir, map_location, progress, weights_only=True)
    )


_import_mmcv_ops()
CheckpointLoader.register_scheme(prefixes='', loader=load_from_file, force=True)
# All of MMEngine's schemes for downloads (https, torchvision, open-mmlab) end in this function, which loads unsafely.
mmengine.runner.checkpoint.load_url = _load_url
