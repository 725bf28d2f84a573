"""Metafiles in MMPose's form, from the results of experiments."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import yaml

from depth_refine.atomic import whole_file
from depth_refine.errors import InputError

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


def write_metafiles(results: Sequence[Path], dataset: str, root: Path) -> list[Path]:
    """Write ``configs/<folder>/metafile.yml`` for each folder with results, and ``model-index.yml`` which names them.

    Args:
        results: JSON files of :func:`depth_refine.reproduction.experiment.reproduce`, of one data root and schedule.
        dataset: what the data are called.
        root: the folder with ``configs``.

    Returns:
        The metafiles.

    Raises:
        InputError: a file cannot be read, or they are of different data, schedules or first stages.
    """
    experiments = [_read(path) for path in results]
    for path, experiment in zip(results, experiments, strict=True):
        for what, first, found in _conditions(experiments[0], experiment):
            if first != found:
                raise InputError(f'{path} is of another {what} than {results[0]}: {found} instead of {first}')
    models = defaultdict(dict)
    for experiment in experiments:
        for name, seeds in experiment['results'].items():
            config = Path('configs', f'{name}.py')
            if seeds and (root / config).is_file():
                models[config.parent][name] = _model(name, config, list(seeds.values()), experiment, dataset)
    paths = []
    for folder, entries in sorted(models.items()):
        paths.append(root / folder / 'metafile.yml')
        _write(paths[-1], {'Collections': [_COLLECTION], 'Models': [entries[name] for name in sorted(entries)]})
    _write(root / 'model-index.yml', {'Import': [str(path.relative_to(root)) for path in paths]})
    return paths


def _model(name: str, config: Path, seeds: list[dict], experiment: dict, dataset: str) -> dict:
    """One entry: means over the seeds, mm."""
    metrics = {key: round(estimate([s['metrics'][metric] for s in seeds]).mean, 1) for key, metric in _METRICS.items()}
    return {
        'Name': name.replace('/', '_'),
        'In Collection': _COLLECTION['Name'],
        'Config': str(config),
        'Metadata': {'Training Data': dataset, 'Schedule': experiment['settings']['schedule'], 'Seeds': len(seeds)},
        'Results': [{'Task': 'Body 3D Keypoint', 'Dataset': dataset, 'Metrics': metrics}],
    }


def _read(path: Path) -> dict:
    experiment = read_json(path)
    try:
        experiment['data'], experiment['first_stage'], experiment['settings']['schedule']
        experiment['settings']['epochs']  # what is not there is a KeyError
        for seeds in experiment['results'].values():
            for result in seeds.values():
                check_result(path, result)
                _ = [result['metrics'][metric] for metric in _METRICS.values()]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f'{path} is not the JSON file of an experiment ({error!r})') from error
    return experiment


def _conditions(first: dict, other: dict) -> list[tuple]:
    keys = {
        'data root': lambda e: e['data'],
        'schedule': lambda e: (e['settings']['schedule'], e['settings']['epochs']),
    }
    keys['first stage'] = lambda e: e['first_stage']
    return [(what, of(first), of(other)) for what, of in keys.items()]


def _write(path: Path, content: dict) -> None:
    with whole_file(path) as partial:
        partial.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
