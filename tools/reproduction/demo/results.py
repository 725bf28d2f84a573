"""The demo's table, curves, figure and video."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS

from depth_refine.evaluation.prediction_dump import read_predictions
from depth_refine.visualization import plot_pose_comparison, plot_training_curves

from ..summary import ERRORS, estimate, markdown
from .frames import refinement_frames, write_pose_video

# row of the table: config of the refiner, and number of seeds; rows that are close have several
REFINERS = {
    '2D': ('refiner_2d', 3),
    '2D + depth': ('refiner_2d_depth', 3),
    '2D + depth, sigma = 0.1': ('refiner', 3),
    'GT 2D': ('refiner_gt2d', 1),
    'GT 2D + GT depth': ('refiner_gt2d_gtdepth', 1),
}
_OURS = '2D + depth, sigma = 0.1'
_NUM_VIDEOS = 4


def refiner_folder(out: Path, config: str, seed: int) -> Path:
    """The work directory of a refiner below the demo's output folder."""
    return out / config / f'seed_{seed}'


def write_report(data: Path, out: Path, configs: Path) -> None:
    """Write and print the table, and draw ``curves.png``, ``poses.png`` and ``poses.mp4``.

    Args:
        data: the demo's data root.
        out: the demo's output folder, with a work directory for each config.
        configs: the demo's configs.
    """
    runs = {'first stage': [out / 'integral']}
    for title, (config, seeds) in REFINERS.items():
        runs[title] = [refiner_folder(out, config, seed) for seed in range(seeds)]
    table = make_table({title: [_read_metrics(folder) for folder in folders] for title, folders in runs.items()})
    (out / 'table.md').write_text(table, encoding='utf-8')
    print(f'\n{table}')

    plot_training_curves({title: folders[0] for title, folders in runs.items()}, out / 'curves.png')

    cfg = Config.fromfile(configs / f'{REFINERS[_OURS][0]}.py')
    init_default_scope('mmpose')
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, data_root=str(data)))
    samples = read_predictions(runs[_OURS][0] / 'predictions.pkl')
    poses = {sample['sequence']: sample['pred_instances']['keypoints'] for sample in samples}
    # videos spread over subjects, activities and cameras
    names = [sequence.name for sequence in dataset.annotation.sequences]
    names = names[2 :: max(len(names) // _NUM_VIDEOS, 1) + 1][:_NUM_VIDEOS]
    frames = [list(refinement_frames(dataset, poses, [name], step=20)) for name in names]
    plot_pose_comparison([video[len(video) // 2] for video in frames], out / 'poses.png')
    write_pose_video(refinement_frames(dataset, poses, names, step=2), out / 'poses.mp4', fps=25)
    for name in ('table.md', 'curves.png', 'poses.png', 'poses.mp4'):
        print(f'wrote {out / name}')


def make_table(metrics: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Markdown table of the errors of each row, ± their standard deviation over its seeds."""
    rows = [
        [title, *(str(estimate([values[key] for values in of_seeds])) for key in ERRORS.values())]
        for title, of_seeds in metrics.items()
    ]
    return markdown(['input', *ERRORS], rows)


def _read_metrics(folder: Path) -> dict[str, float]:
    return json.loads((folder / 'metrics.json').read_text(encoding='utf-8'))
