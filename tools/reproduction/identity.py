"""What the work in a folder is made from, so that no other work goes on with it."""

import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import get_world_size, is_main_process

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

from .result_files import RESULT_FILE, read_json

_IDENTITY_FILE = 'identity.json'
_TRAINING = ('model', 'train_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'custom_hooks')
_CAMERAS = 'annotation_body3d/cameras.pkl'  # where the data sets look if their config does not say


def claim(folder: Path, cfg: Config, **conditions: str) -> None:
    """Record what the work in a folder is made from.

    A folder without a checkpoint or a result holds no work, whatever it says: a config that could not be built may have
    been corrected.

    Args:
        folder: it need not exist.
        cfg: what is trained.
        conditions: what else the work depends on.

    Raises:
        InputError: the folder holds the work of something else.
    """
    identity = dict(
        data=data_identity(cfg),
        **conditions,
        number_of_processes=str(get_world_size()),
        config=_hash({key: cfg[key] for key in _TRAINING if key in cfg}),
    )
    path = folder / _IDENTITY_FILE
    found = read_json(path) if path.exists() else {}
    differing = [part for part in identity if found.get(part) != identity[part]]
    if not differing:
        return
    if any(folder.glob('*.pth')) or (folder / RESULT_FILE).exists():
        part = differing[0]
        if part not in found:
            raise InputError(
                f'{folder} holds work whose {part.replace("_", " ")} was not recorded: remove it, or give another --out'
            )
        raise InputError(
            f'{folder} holds the work of another {part.replace("_", " ")} ({found[part]} instead of '
            f'{identity[part]}): remove it, or give another --out'
        )
    if is_main_process():
        with whole_file(path) as partial:
            partial.write_text(json.dumps(identity, indent=2) + '\n')


def data_identity(cfg: Config) -> str:
    """Hashes of the Human3.6M annotations and cameras that a config trains and tests on.

    Raises:
        InputError: one is missing.
    """
    hashes = []
    for split in ('train', 'test'):
        for dataset in h36m_datasets(cfg[f'{split}_dataloader'].dataset):
            for name in (dataset.ann_file, dataset.get('camera_param_file', _CAMERAS)):
                path = Path(dataset.data_root, name)
                if not path.is_file():
                    what = f'{split} annotation' if name == dataset.ann_file else 'camera file'
                    raise InputError(f'no {what} {path.absolute()}: give a data root in Human3.6M layout')
                hashes.append(file_identity(path)[:16])
    return ' '.join(dict.fromkeys(hashes))


def evaluation_identity(cfg: Config) -> str:
    """Hash of how a config is tested, and on what."""
    return _hash(dict(dataset=cfg.test_dataloader.dataset, evaluator=cfg.test_evaluator))


def h36m_datasets(node) -> Iterator[dict]:
    """Every Human3.6M data set in a piece of config."""
    if isinstance(node, dict):
        if str(node.get('type', '')).startswith('H36M') and 'ann_file' in node:
            yield node
        node = list(node.values())
    if isinstance(node, list | tuple):
        for child in node:
            yield from h36m_datasets(child)


@functools.cache  # every cell asks for the same files, of gigabytes
def file_identity(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def _hash(node: dict) -> str:
    return hashlib.sha256(_without_paths(node).encode()).hexdigest()


def _without_paths(node) -> str:
    """Text of a piece of config, the same wherever the data are and however they are loaded."""
    if isinstance(node, dict):
        skipped = {'data_root', 'depth_store', 'num_workers', 'persistent_workers'}
        return '{' + ','.join(f'{k}:{_without_paths(v)}' for k, v in sorted(node.items()) if k not in skipped) + '}'
    if isinstance(node, list | tuple):
        return '[' + ','.join(map(_without_paths, node)) + ']'
    return repr(node)
