"""Reading and checks of configs."""

import inspect
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner
from mmpose.registry import DATASETS, KEYPOINT_CODECS

from depth_refine.utils.errors import InputError

_MEANING = ('num_keypoints', 'root_index', 'normalisation', 'depth_range', 'input_size')  # define a codec's numbers
_SETTINGS = {  # names of a config that are read; others are variables of its file
    *inspect.signature(Runner).parameters,
    *('data_root', 'custom_imports', 'model_wrapper_cfg', 'find_unused_parameters', 'sync_bn', 'compile'),
    *('activation_checkpointing', 'efficient_conv_bn_eval'),
}
_SUFFIXES = ('.py', '.yml', '.yaml', '.json')  # that MMEngine reads


def load_config(path: str, cfg_options: dict) -> Config:
    """Read a config and merge ``--cfg-options`` into it.

    With ``data_root=DIR`` every data set in the config's ``data_root`` moves to DIR. (MMEngine would change the
    variable alone, and data sets have copied its value by then.)

    Raises:
        InputError: the file is missing or is not a config; an option sets a name that nothing reads, as any other
            variable of the file; or ``data_root`` is given and no data set lies there.
    """
    if not Path(path).is_file():
        raise InputError(f'no config file {Path(path).absolute()}: expected a Python file as in configs/')
    if Path(path).suffix not in _SUFFIXES:
        raise InputError(f'{path} is not a config: expected a Python file as in configs/, whose name ends in .py')
    try:
        cfg = Config.fromfile(path)
        for option in cfg_options:
            _check_option(option, cfg)
        data_root = cfg.get('data_root')
        cfg.merge_from_dict(cfg_options)
    except InputError:
        raise
    except Exception as error:  # a config is a program and can raise anything
        raise InputError(f'{path} with options {cfg_options} is not a usable config: {error!r}') from error
    if 'data_root' in cfg_options:
        loaders = [cfg[name] for name in ('train_dataloader', 'val_dataloader', 'test_dataloader') if name in cfg]
        if not sum(_move_data_sets(loader, data_root, cfg.data_root) for loader in loaders):
            raise InputError(
                f'--cfg-options data_root={cfg.data_root}: no data set of {path} lies in its data_root, {data_root!r}; '
                'name the data set, as in train_dataloader.dataset.data_root=DIR'
            )
    return cfg


def is_dataset_type(node: object, cls: type | str) -> bool:
    """Whether a piece of config describes a data set of a class or of a subclass.

    Args:
        node: any piece; its ``type`` may be a class, or its name in MMPose's registry, with a scope or without.
        cls: the class or its name.
    """
    if not isinstance(node, dict):
        return False
    found, expected = (DATASETS.get(each) if isinstance(each, str) else each for each in (node.get('type'), cls))
    return isinstance(found, type) and issubclass(found, expected)


def find_datasets(node: object, *classes: type) -> Iterator[dict]:
    """The configs of data sets of given classes or their subclasses, anywhere in a piece of config."""
    if any(is_dataset_type(node, cls) for cls in classes):
        yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ()
    for child in children:
        yield from find_datasets(child, *classes)


def check_codecs(cfg: Config) -> None:
    """Refuse a config whose data sets and model normalise differently.

    Args:
        cfg: the config. It is compared if the model's head has a decoder.

    Raises:
        InputError: a codec of a pipeline differs from the decoder.
    """
    decoder = cfg.model.get('head', {}).get('decoder')
    if not decoder:
        return
    expected = KEYPOINT_CODECS.build(decoder)
    for split in ('train', 'val', 'test'):
        for encoder in _encoders(cfg.get(f'{split}_dataloader') or {}):
            codec = KEYPOINT_CODECS.build(encoder)
            if type(codec) is not type(expected):
                continue
            for key in _MEANING:
                ours, theirs = getattr(codec, key, None), getattr(expected, key, None)
                if ours != theirs:
                    raise InputError(
                        f'{cfg.filename}: the codec of {split}_dataloader has {key}={ours}, and the decoder of '
                        f'model.head {key}={theirs}: put the same codec into all pipelines and the head'
                    )


def _check_option(option: str, cfg: Config) -> None:
    """Refuse an option that would set what nothing reads."""
    name, key = option.split('.')[0], option.split('.')[-1]
    if name in _SETTINGS:
        return
    settings = sorted(_SETTINGS & {*cfg})
    used = [path for setting in settings for path in _paths(cfg[setting], setting, key)]
    if used:
        advice = f'set it where it is used: {", ".join(used)}'
    elif name in cfg:
        advice = 'the file has copied this variable by then: change it in a config of your own, with this one as _base_'
    else:
        advice = f'expected one of {", ".join(settings)}'
    raise InputError(f'--cfg-options {option}: {cfg.filename} has no setting {name!r}; {advice}')


def _paths(node: object, path: str, key: str) -> Iterator[str]:
    """The paths below a node that end with a key."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list | tuple) else ()
    for name, child in children:
        if name == key:
            yield f'{path}.{name}'
        yield from _paths(child, f'{path}.{name}', key)


def _encoders(node: object) -> Iterator[dict]:
    """The codecs in the pipelines below a node."""
    if isinstance(node, dict):
        if isinstance(node.get('encoder'), dict):
            yield node['encoder']
        node = list(node.values())
    for child in node if isinstance(node, list | tuple) else ():
        yield from _encoders(child)


def _move_data_sets(node: object, before: str | None, after: str) -> int:
    """Replace ``data_root`` in all dicts below a node where it is ``before``, and return their number."""
    if isinstance(node, list | tuple):
        return sum(_move_data_sets(child, before, after) for child in node)
    if not isinstance(node, dict):
        return 0
    moved = 'data_root' in node and node['data_root'] == before
    if moved:
        node['data_root'] = after
    return moved + sum(_move_data_sets(child, before, after) for child in node.values())
