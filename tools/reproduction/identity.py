"""Records of what the work in a folder was made from, so that no other work continues it."""

import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import get_world_size, is_main_process

from depth_refine.datasets import H36MDepthSequenceDataset, H36MImageDataset, MotionDataset
from depth_refine.datasets.motion_clips import HOW_TO_MAKE
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.config import find_datasets
from depth_refine.utils.errors import InputError

RESULT_FILE = 'result.json'
_IDENTITY_FILE = 'identity.json'
_TRAINING = ('model', 'train_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'custom_hooks')
_TESTING = ('test_dataloader', 'test_evaluator')
CAMERAS = 'annotation_body3d/cameras.pkl'  # where the data sets look if their config does not say


def claim(folder: Path, cfg: Config, **conditions: str) -> None:
    """Record what the work in a folder is made from.

    A record in a folder without a checkpoint or a result is replaced: its config may have failed and been corrected
    since.

    Args:
        folder: it need not exist.
        cfg: the config of training and test.
        conditions: what else the work depends on.

    Raises:
        InputError: the folder holds work that was made from something else.
    """
    identity = dict(
        data=data_identity(cfg),
        **conditions,
        evaluation=_hash(cfg, _TESTING),
        number_of_processes=str(get_world_size()),
        config=_hash(cfg, _TRAINING),
    )
    path = folder / _IDENTITY_FILE
    found = read_json(path) if path.exists() else {}
    part = next((part for part in identity if found.get(part) != identity[part]), None)
    if part is None:
        return
    if any(folder.glob('*.pth')) or (folder / RESULT_FILE).exists():
        what, advice = part.replace('_', ' '), 'remove it, or give another --out'
        if part not in found:
            raise InputError(f'{folder} holds work whose {what} was not recorded: {advice}')
        change = f'{found[part]} instead of {identity[part]}'
        raise InputError(f'{folder} holds the work of another {what} ({change}): {advice}')
    if is_main_process():
        with whole_file(path) as partial:
            partial.write_text(json.dumps(identity, indent=2) + '\n', encoding='utf-8')


def data_identity(cfg: Config) -> str:
    """Hashes of the Human3.6M annotations and cameras, or the motion files, that a config trains and tests on.

    Raises:
        InputError: one is missing.
    """
    hashes = []
    for split in ('train', 'test'):
        for dataset in h36m_datasets(cfg[f'{split}_dataloader'].dataset):
            cameras = dataset.get('camera_param_file', CAMERAS)
            for what, name in ((f'{split} annotation', dataset.ann_file), ('camera file', cameras)):
                path = Path(dataset.data_root, name)
                if not path.is_file():
                    raise InputError(f'no {what} {path.absolute()}: give a data root in Human3.6M layout')
                hashes.append(file_identity(path)[:16])
        for dataset in find_datasets(cfg[f'{split}_dataloader'].dataset, MotionDataset):
            path = Path(dataset.get('data_root', ''), dataset.motion_file)
            if not path.is_file():
                raise InputError(f'no motion file {path.absolute()}: {HOW_TO_MAKE}')
            hashes.append(file_identity(path)[:16])
    return ' '.join(dict.fromkeys(hashes))


def h36m_datasets(node: object) -> Iterator[dict]:
    """The configs of all data sets in Human3.6M's layout, subclasses included, in a piece of config."""
    return find_datasets(node, H36MImageDataset, H36MDepthSequenceDataset)


@functools.cache  # every cell needs the hashes of the same files, of gigabytes
def file_identity(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def read_json(path: Path) -> dict:
    """Read a dict.

    Raises:
        InputError: the file is missing or damaged or holds anything else.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f'{path} is not a readable JSON file ({error}). Copy it again, or make it again.') from error
    if not isinstance(content, dict):
        raise InputError(f'{path}: expected a JSON object, got {type(content).__name__}. Make it again.')
    return content


def _hash(cfg: Config, keys: tuple[str, ...]) -> str:
    parts = {key: cfg[key] for key in keys if key in cfg}
    return hashlib.sha256(_without_paths(parts).encode()).hexdigest()


def _without_paths(node) -> str:
    """Text of a piece of config, without the places of data and the way they are loaded."""
    if isinstance(node, dict):
        skipped = {'data_root', 'depth_store', 'motion_file', 'num_workers', 'persistent_workers'}
        return '{' + ','.join(f'{k}:{_without_paths(v)}' for k, v in sorted(node.items()) if k not in skipped) + '}'
    if isinstance(node, list | tuple):
        return '[' + ','.join(map(_without_paths, node)) + ']'
    return repr(node)
