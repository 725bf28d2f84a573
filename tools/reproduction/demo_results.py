"""The demo's table, curves, figure and video."""

import json
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS

from depth_refine.evaluation.prediction_dump import read_predictions
from depth_refine.visualization import plot_pose_comparison, plot_training_curves

from .demo_frames import refinement_frames, write_pose_video

# row of the table: config of the refiner
REFINERS = {
    '2D': 'refiner_2d',
    '2D + depth': 'refiner_2d_depth',
    '2D + depth, sigma = 0.1': 'refiner',
    'GT 2D': 'refiner_gt2d',
    'GT 2D + GT depth': 'refiner_gt2d_gtdepth',
}
_OURS = '2D + depth, sigma = 0.1'
_COLUMNS = {
    'Protocol 1, mm': 'h36m/MPJPE_mm',
    'Protocol 2, mm': 'h36m/P-MPJPE_mm',
    'acceleration error, mm/frame²': 'h36m/MPJAE_mm_per_frame2',
}
_NUM_VIDEOS = 4


def write_report(data: Path, out: Path, configs: Path) -> None:
    """Write and print the table, and draw ``curves.png``, ``poses.png`` and ``poses.mp4``.

    Args:
        data: the demo's data root.
        out: the demo's output folder, with a work directory for each config.
        configs: the demo's configs.
    """
    runs = {'first stage': 'integral', **REFINERS}
    table = make_table(
        {name: json.loads((out / config / 'metrics.json').read_text(encoding='utf-8')) for name, config in runs.items()}
    )
    (out / 'table.md').write_text(table, encoding='utf-8')
    print(f'\n{table}')

    plot_training_curves({name: out / config for name, config in runs.items()}, out / 'curves.png')

    cfg = Config.fromfile(configs / f'{REFINERS[_OURS]}.py')
    init_default_scope('mmpose')
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, data_root=str(data)))
    samples = read_predictions(out / REFINERS[_OURS] / 'predictions.pkl')
    poses = {sample['sequence']: sample['pred_instances']['keypoints'] for sample in samples}
    # videos spread over subjects, activities and cameras
    names = [sequence.name for sequence in dataset.annotation.sequences]
    names = names[2 :: max(len(names) // _NUM_VIDEOS, 1) + 1][:_NUM_VIDEOS]
    frames = [list(refinement_frames(dataset, poses, [name], step=20)) for name in names]
    plot_pose_comparison([video[len(video) // 2] for video in frames], out / 'poses.png')
    write_pose_video(refinement_frames(dataset, poses, names, step=2), out / 'poses.mp4', fps=25)
    for name in ('table.md', 'curves.png', 'poses.png', 'poses.mp4'):
        print(f'wrote {out / name}')


def make_table(metrics: dict[str, dict[str, float]]) -> str:
    """Markdown table of the metrics of each run, in millimetres."""
    rows = [
        f'| {name} | ' + ' | '.join(f'{values[key]:.1f}' for key in _COLUMNS.values()) + ' |'
        for name, values in metrics.items()
    ]
    return '\n'.join([f'| input | {" | ".join(_COLUMNS)} |', '|---' * (len(_COLUMNS) + 1) + '|', *rows]) + '\n'
