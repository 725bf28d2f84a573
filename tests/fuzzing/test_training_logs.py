"""Logs of trainings."""

import json

import numpy as np

from depth_refine.visualization import plot_training_curves

LOG = [dict(loss=0.5 / step, step=step, epoch=1) for step in range(1, 5)] + [{'h36m/MPJPE_mm': 50.5, 'step': 1}]


def test_training_log(fuzz, tmp_path, monkeypatch):
    drawn = []

    def save(figure, path, **_):
        drawn[:] = [axes.lines[0].get_xydata().tolist() for axes in figure.axes]
        path.touch()

    def judge(case, _):
        """Every number of the log, NaN included, which a training that failed writes."""
        entries = [entry for entry in case if isinstance(entry, dict)]
        for points, key in zip(drawn, ('loss', 'h36m/MPJPE_mm'), strict=True):
            expected = [(float(entry['step']), float(entry[key])) for entry in entries if key in entry]
            np.testing.assert_array_equal(np.reshape(points, (-1, 2)), np.reshape(expected, (-1, 2)))

    monkeypatch.setattr('matplotlib.figure.Figure.savefig', save)
    fuzz.tree(
        tmp_path / 'scalars.json',
        LOG,
        lambda case: '\n'.join(json.dumps(entry) for entry in case).encode(),
        lambda path: plot_training_curves({'a run': path}, tmp_path / 'curves.svg'),
        judge,
    )
