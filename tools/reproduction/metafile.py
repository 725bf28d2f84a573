"""Metafiles in MMPose's form, from the results of experiments."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

from .result_files import check_result, read_json
from .summary import PROTOCOL1, PROTOCOL2, estimate

_COLLECTION = {
    'Name': 'Temporal Joint Depths',
    'Paper': {
        'Title': 'Leveraging Temporal Joint Depths for Improving 3D Human Pose Estimation in Video',
        'Year': 2020,
    },
    'README': 'README.md',
}
_METRICS = {'MPJPE': PROTOCOL1, 'P-MPJPE': PROTOCOL2}  # mm


def write_metafiles(results: Mapping[str, Sequence[Path]], root: Path) -> list[Path]:
    """Write ``configs/<folder>/metafile.yml`` for each folder with results, and ``model-index.yml`` which names them.

    A config is a model for each data set that it was trained on.

    Args:
        results: by what the data set is called, the JSON files of
            :func:`reproduction.experiment.reproduce` on it, of one data root, schedule and first stage.
        root: the folder with ``configs``.

    Returns:
        The metafiles.

    Raises:
        InputError: a file cannot be read, or those of a data set are of different data, schedules or first stages.
    """
    models, suffixes = defaultdict(dict), set()
    for dataset, paths in results.items():
        suffix = re.sub('[^a-z0-9]+', '-', dataset.lower()).strip('-')
        if suffix in suffixes:
            raise InputError(f'two data sets are called alike, {suffix!r}: give them names that differ in letters')
        suffixes.add(suffix)
        for config, seeds, schedule in _measured(paths, root):
            name = f'{"_".join(config.with_suffix("").parts[1:])}_{suffix}'
            models[config.parent][name] = _model(name, config, seeds, schedule, dataset)
    written = []
    for folder, entries in sorted(models.items()):
        written.append(root / folder / 'metafile.yml')
        _write(written[-1], {'Collections': [_COLLECTION], 'Models': [entries[name] for name in sorted(entries)]})
    _write(root / 'model-index.yml', {'Import': [str(path.relative_to(root)) for path in written]})
    return written


def _measured(paths: Sequence[Path], root: Path) -> Iterator[tuple[Path, list[dict], dict[str, str]]]:
    """Configs relative to ``root``, their results by seed and their schedule, as far as it is known."""
    experiments = [_read(path) for path in paths]
    for path, experiment in zip(paths, experiments, strict=True):
        for what, first, found in _conditions(experiments[0], experiment):
            if first != found:
                raise InputError(f'{path} is of another {what} than {paths[0]}: {found} instead of {first}')
        if experiment['first_stage'] and experiment['first_stage_result']:
            name = experiment['first_stage']['config']
            found = [path.relative_to(root) for path in (root / 'configs').rglob('*.py') if path.name == name]
            if len(found) == 1:  # a store knows its config's file name, not the folder
                yield found[0], [experiment['first_stage_result']], {}
        for name, seeds in experiment['results'].items():
            config = Path('configs', f'{name}.py')
            if seeds and (root / config).is_file():
                yield config, list(seeds.values()), {'Schedule': _schedule(experiment)}


def _model(name: str, config: Path, seeds: list[dict], schedule: dict[str, str], dataset: str) -> dict:
    """One entry: means over the seeds, mm."""
    metrics = {key: round(estimate([s['metrics'][metric] for s in seeds]).mean, 1) for key, metric in _METRICS.items()}
    return {
        'Name': name,
        'In Collection': _COLLECTION['Name'],
        'Config': str(config),
        'Metadata': {'Training Data': dataset, **schedule, 'Seeds': len(seeds)},
        'Results': [{'Task': 'Body 3D Keypoint', 'Dataset': dataset, 'Metrics': metrics}],
    }


def _schedule(experiment: dict) -> str:
    settings = experiment['settings']
    return f'{settings["schedule"]}, {settings["epochs"]} epochs' if settings['epochs'] else settings['schedule']


def _read(path: Path) -> dict:
    experiment = read_json(path)
    try:
        _ = experiment['data'], _schedule(experiment)  # what is not there is a KeyError
        stage, alone = experiment['first_stage'], experiment['first_stage_result']
        if stage is not None and stage['config'] is not None and Path(stage['config']).name != stage['config']:
            raise InputError(f"{path}: expected a file name as 'config' of 'first_stage', got {stage['config']!r}")
        results = [result for seeds in experiment['results'].values() for result in seeds.values()]
        for result in results + ([] if alone is None else [alone]):
            check_result(path, result)
            _ = [result['metrics'][metric] for metric in _METRICS.values()]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f'{path} is not the JSON file of an experiment ({error!r})') from error
    return experiment


def _conditions(first: dict, other: dict) -> list[tuple]:
    keys = {'data root': lambda e: e['data'], 'schedule': _schedule, 'first stage': lambda e: e['first_stage']}
    return [(what, of(first), of(other)) for what, of in keys.items()]


def _write(path: Path, content: dict) -> None:
    with whole_file(path) as partial:
        partial.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
