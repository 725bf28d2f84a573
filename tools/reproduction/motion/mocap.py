"""Refiners trained on motion: inputs and noise by receptive field, on held-out motion and on a real person.

Every network is ``configs/mocap/refiner_27.py`` with another input, noise, receptive field or camera. Errors are those
of the whole inference pipeline, see :mod:`scenes`, before and after finishing.
"""

import argparse
import functools
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.runner import Runner

from depth_refine.datasets.motion_clips import MotionClips
from depth_refine.inference.stages import SecondStage
from depth_refine.structures import H36M
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.checkpoint import latest_checkpoint
from depth_refine.utils.config import load_config
from depth_refine.utils.errors import InputError
from depth_refine.utils.runner import use_mixed_precision

from ..cell import Row, Settings, cell_folder, run_cell
from ..experiment import Cells, Experiment, check_arguments
from ..identity import data_identity, file_identity
from ..summary import change, markdown, missing_cells, of_cell
from .held_out import scenes_of_motion
from .real_video import MODELS, scenes_of_clip
from .scenes import MEASURES, Scene, errors

ESTIMATOR = 'mocap/estimator'
_DATA = 'train_dataloader.dataset'
FIELDS = {
    1: {'model.backbone.kernel_size': 1, f'{_DATA}.seq_len': 1},
    27: {},
    81: {'model.backbone.num_blocks': 3, f'{_DATA}.seq_len': 81},
    243: {'model.backbone.num_blocks': 4, f'{_DATA}.seq_len': 243},
}
INPUTS = {
    '2d_clean': '2D, no noise',
    'clean': '2D + depth, no noise',
    'sigma': '2D + depth, σ = 0.1',
    'shaped': '2D + depth, shaped noise',
}
_BESIDE = {
    '2d': ('2D, shaped noise', {}),
    'four_cameras': ("2D + depth, shaped noise, Human3.6M's four cameras", {}),
    **{
        f'{kind}_as_recorded': (f'{title}, limbs as recorded', {f'{_DATA}.joint_angles': 0.0})
        for kind, title in INPUTS.items()
    },
}
_TITLES = {  # of the figure's columns and rows
    'held out': 'held-out motion,\nsimulated estimator',
    'heavy': 'the clip,\nBlazePose heavy',
    'full': 'the clip,\nBlazePose full (the default)',
}
_STATES = {'': 'as refined', ', finished': 'finished: rays,\nbones, smoothing'}  # titles by the end of a kind's name
_FILES = {'shaped': 'refiner_27'}  # the others are refiner_KIND_27


def row(kind: str, field: int = 27) -> Row:
    """One of the table's cells."""
    name = kind.removesuffix('_as_recorded')
    options = FIELDS[field] | (_BESIDE[kind][1] if kind in _BESIDE else {})
    return Row(f'mocap/{kind}_{field}', f'mocap/{_FILES.get(name, f"refiner_{name}_27")}', options, {})


ROWS = [row(kind, field) for field in FIELDS for kind in INPUTS]
ROWS[8:8] = [row(kind) for kind in _BESIDE]  # the shorter trainings first


def cell_config(row: Row, seed: int, settings: Settings, motion: Path, test_motion: Path) -> Config:
    """The config of a cell."""
    cfg = load_config(str(settings.configs / f'{row.config}.py'), {})
    cfg.merge_from_dict(row.options)
    if settings.epochs is not None:
        cfg.train_cfg.max_epochs = settings.epochs
    if settings.amp:
        use_mixed_precision(cfg)
    cfg.train_dataloader.dataset.motion_file = str(motion.absolute())
    cfg.test_dataloader.dataset.update(
        motion_file=str(test_motion.absolute()), seq_len=cfg.train_dataloader.dataset.seq_len
    )
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None  # the last epoch is tested, none is chosen
    cfg.default_hooks.checkpoint.pop('save_best')
    cfg.randomness = dict(seed=seed)
    cfg.launcher, cfg.work_dir = 'none', str(cell_folder(settings.out, row.name, seed))
    cfg.experiment_name = f'{row.name.replace("/", "_")}_seed_{seed}'
    return cfg


def run(configs: Path, args: argparse.Namespace) -> Experiment:
    """Run every cell that has no result yet.

    Args:
        configs: the folder of all configs.
        args: ``motion``, ``test_motion``, optionally ``clip``, and those of :func:`add_cell_arguments`.

    Raises:
        InputError: an argument or a file cannot be used.
    """
    check_arguments(args, [row.name for row in ROWS])
    settings = Settings(configs, args.motion, args.out, epochs=args.epochs, amp=args.amp)
    reference = cell_config(row('shaped'), 0, settings, args.motion, args.test_motion)
    data = data_identity(reference)
    _check_people(args.motion, args.test_motion)
    scenes = all_scenes(load_config(str(configs / 'mocap/refiner_27.py'), {}), args.test_motion, args.clip)
    clip = file_identity(args.clip)[:16] if args.clip else 'none'
    cells = Cells(args.out, [row.name for row in ROWS], args.only)

    def work(row: Row, seed: int) -> dict:
        cfg = cell_config(row, seed, settings, args.motion, args.test_motion)
        return run_cell(cfg, functools.partial(_on_scenes, cfg, scenes), clip=clip)

    for each in ROWS:
        for seed in range(args.seeds):
            cells.run(each.name, seed, functools.partial(work, each, seed))
    cells.results[ESTIMATOR] = {0: dict(metrics=metrics_of(None, scenes))}
    settings = settings._replace(epochs=reference.train_cfg.max_epochs)
    return Experiment(settings, args.seeds, data, None, None, cells.results, cells.missing, cells.failed)


def _check_people(motion: Path, test_motion: Path) -> None:
    clips = (MotionClips(path, H36M, frame_rate=50.0) for path in (motion, test_motion))
    subjects = [{sequence.subject for sequence in each.sequences} for each in clips]
    if both := sorted(subjects[0] & subjects[1]):
        raise InputError(
            f'--test-motion: subjects of {test_motion} are in {motion}, too, and are not held out: {", ".join(both)}'
        )


def all_scenes(cfg: Config, test_motion: Path, clip: Path | None) -> dict[str, list[Scene]]:
    """The test videos, by their names in the table."""
    cfg.val_dataloader.dataset.motion_file = str(test_motion.absolute())
    scenes = {'held out': list(scenes_of_motion(cfg))}
    return scenes | ({model: list(scenes_of_clip(clip, model)) for model in MODELS} if clip else {})


def metrics_of(refiner: SecondStage | None, scenes: Mapping[str, Sequence[Scene]]) -> dict[str, float]:
    """Means over the videos of each kind, as ``'KIND/MEASURE'`` and ``'KIND, finished/MEASURE'``."""
    metrics = {}
    for name, videos in scenes.items():
        for finish, suffix in ((False, ''), (True, ', finished')):
            means = errors(videos, refiner, finish).mean(axis=0).tolist()
            metrics |= {f'{name}{suffix}/{measure}': mean for measure, mean in zip(MEASURES, means, strict=True)}
    return metrics


def _on_scenes(cfg: Config, scenes: Mapping[str, Sequence[Scene]], runner: Runner) -> dict:
    return dict(metrics=metrics_of(SecondStage(cfg, latest_checkpoint(Path(runner.work_dir)), 'cpu'), scenes))


def summarise(experiment: Experiment) -> str:
    """Errors of all inputs and receptive fields on each kind of video, and the effects of noise, as Markdown."""
    kinds = [key.removesuffix('/MPJPE') for key in experiment.results[ESTIMATOR][0]['metrics'] if '/MPJPE' in key]
    settings, parts = experiment.settings, []
    for kind in kinds:
        table = [[title, *(_cell(experiment, row(name, f), kind) for f in FIELDS)] for name, title in INPUTS.items()]
        table += [[title, '', _cell(experiment, row(name), kind), '', ''] for name, (title, _) in _BESIDE.items()]
        table.insert(0, ['the estimator', _cell(experiment, Row(ESTIMATOR), kind), '', '', ''])
        parts.append(f'## {kind}\n\n{markdown([_HEAD, *map(_frames, FIELDS)], table)}\n')
    findings = [
        [f'{INPUTS[ours]} against {INPUTS[theirs]}, {_frames(field)}', *changes]
        for ours, theirs in (('sigma', '2d_clean'), ('sigma', 'clean'), ('shaped', '2d_clean'), ('shaped', 'sigma'))
        for field in FIELDS
        for changes in [
            [change(experiment, row(ours, field).name, row(theirs, field).name, f'{kind}/MPJPE') for kind in kinds]
        ]
    ]
    findings += [
        [f'{INPUTS["sigma"]} against {INPUTS[other]}, limbs as recorded, 27 frames', *changes]
        for other in ('2d_clean', 'clean')
        for names in [[row(f'{kind}_as_recorded').name for kind in ('sigma', other)]]
        for changes in [[change(experiment, *names, f'{kind}/MPJPE') for kind in kinds]]
    ]
    return (
        '# Refiners trained on motion\n\n'
        f'Motion: {settings.data_root} and the test file ({experiment.data}). {settings.epochs} epochs, '
        f'{"mixed precision" if settings.amp else "float32"}. Seeds: {experiment.seeds}; ± is the standard deviation '
        'over seeds; differences are taken seed by seed, in brackets the 95 % interval of their mean.\n\n'
        f'{"".join(parts)}## Differences in MPJPE\n\n{markdown(["", *kinds], findings)}{missing_cells(experiment)}'
    )


_HEAD = 'MPJPE / P-MPJPE, mm / acceleration error, m/s²'


def _frames(field: int) -> str:
    return f'{field} frame{"s" * (field > 1)}'


def _cell(experiment: Experiment, row: Row, kind: str) -> str:
    return ' / '.join(str(of_cell(experiment, row.name, f'{kind}/{measure}')) for measure in MEASURES)


def draw(experiment: Experiment, path: Path) -> None:
    """Draw MPJPE over the receptive field: a column for each kind of video, poses as refined above finished ones."""
    kinds = [key for key in experiment.results[ESTIMATOR][0]['metrics'] if key.endswith('finished/MPJPE')]
    kinds = [key.removesuffix(', finished/MPJPE') for key in kinds]
    figure = Figure(figsize=(2.7 * len(kinds) + 0.9, 5.2), layout='constrained')
    panels = figure.subplots(len(_STATES), len(kinds), sharex=True, sharey=True, squeeze=False)
    for (state, kind), axes in zip(itertools.product(_STATES, kinds), panels.flat, strict=True):
        metric = f'{kind}{state}/MPJPE'
        for index, (name, title) in enumerate(INPUTS.items()):
            cells = np.array([of_cell(experiment, row(name, field).name, metric) for field in FIELDS])
            style = dict(color=f'C{index}', marker='o', markersize=5, label=title)
            axes.errorbar(list(FIELDS), cells[:, 0], np.nan_to_num(cells[:, 1]), **style)
        axes.axhline(of_cell(experiment, ESTIMATOR, metric).mean, color='0.4', label='the estimator, no refiner')
        axes.set_xscale('log')
        axes.set_xticks(list(FIELDS), map(str, FIELDS))
        axes.minorticks_off()
        axes.grid(color='0.9')
        axes.spines[['top', 'right']].set_visible(False)
    for axes, kind in zip(panels[0], kinds, strict=True):
        axes.set_title(_TITLES[kind], fontsize=10)
    for axes, title in zip(panels[:, 0], _STATES.values(), strict=True):
        axes.set_ylabel(f'{title}\nMPJPE (mm)')
    for axes in panels[-1]:
        axes.set_xlabel('receptive field (frames)')
    figure.legend(*axes.get_legend_handles_labels(), loc='outside upper center', ncols=3, frameon=False, fontsize=9)
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=140)
