import json

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from mmengine.visualization import Visualizer

from depth_refine.utils.errors import InputError
from depth_refine.visualization import plot_training_curves


@pytest.fixture
def write_log(tmp_path):
    """Function that lets MMEngine itself write a log of epochs of three iterations, as a runner does."""

    def write(name, losses=(0.5, 0.4, 0.3, 0.25, 0.2, 0.1), errors=(90.0, 60.0), epochs=True, start=0):
        visualizer = Visualizer(save_dir=str(tmp_path / name), vis_backends=[dict(type='LocalVisBackend')])
        for number, loss in enumerate(losses, start=start + 1):
            entry = dict(lr=1e-3, loss=loss, iter=number)
            visualizer.add_scalars(dict(entry, epoch=(number + 2) // 3) if epochs else entry, step=number)
            if number % 3 == 0 and errors:
                error = {'h36m/MPJPE_mm': errors[(number - start) // 3 - 1]}
                visualizer.add_scalars(error, step=number // 3 if epochs else number)
        visualizer.close()
        return tmp_path / name / 'vis_data' / 'scalars.json'

    return write


@pytest.fixture
def saved_axes(monkeypatch):
    """Axes of the figures handed to savefig, which still writes them."""
    found, savefig = [], Figure.savefig
    monkeypatch.setattr(
        Figure, 'savefig', lambda self, *args, **kw: (found.extend(self.axes), savefig(self, *args, **kw))
    )
    return found


def test_curves_of_two_runs(write_log, tmp_path, saved_axes):
    runs = {'2D': write_log('a'), '2D + depth': write_log('b', errors=(80.0, 40.0))}
    plot_training_curves(runs, tmp_path / 'out' / 'curves.png')
    assert cv2.imread(str(tmp_path / 'out' / 'curves.png')).shape[1] > 1000
    training, validation = saved_axes
    assert [line.get_label() for line in training.lines] == list(runs)
    assert [line.get_label() for line in validation.lines] == list(runs)
    np.testing.assert_allclose(
        training.lines[0].get_xydata(), [(1, 0.5), (2, 0.4), (3, 0.3), (4, 0.25), (5, 0.2), (6, 0.1)]
    )
    np.testing.assert_allclose(validation.lines[1].get_xydata(), [(1, 80), (2, 40)])
    assert (training.get_xlabel(), validation.get_xlabel()) == ('iteration', 'epoch')
    assert validation.get_ylabel() == 'MPJPE, mean of actions (mm)'


def test_training_by_iterations_and_without_validation(write_log, tmp_path, saved_axes):
    plot_training_curves({'run': write_log('a', epochs=False)}, tmp_path / 'curves.png')
    plot_training_curves({'run': write_log('b', errors=())}, tmp_path / 'curves.png')
    assert saved_axes[1].get_xlabel() == 'iteration'
    np.testing.assert_allclose(saved_axes[1].lines[0].get_xdata(), [3, 6])
    assert len(saved_axes[3].lines[0].get_xdata()) == 0


def test_an_interrupted_training_is_one_curve(write_log, tmp_path, saved_axes):
    """Killed in the second epoch, in the middle of a line; resumed after the first, whose validation is repeated."""
    log = write_log('run/20261130_080000', losses=[9, 8, 7, 6, 5], errors=[90.0])
    with log.open('a') as file:
        file.write('{"loss": 0.')
    resumed = write_log('run/20261130_090000', losses=[4, 3, 2], errors=[50.0], start=3)
    with resumed.open('r+') as file:
        entries = file.read()
        file.seek(0)
        file.write('{"h36m/MPJPE_mm": 89.0, "step": 1}\n' + entries)
    test = tmp_path / 'run/20261130_100000/vis_data/scalars.json'
    test.parent.mkdir(parents=True)
    test.write_text('{"h36m/MPJPE_mm": 1.0, "step": 0}\n')
    plot_training_curves({'run': tmp_path / 'run'}, tmp_path / 'curves.png')
    np.testing.assert_allclose(saved_axes[0].lines[0].get_xydata(), [(1, 9), (2, 8), (3, 7), (4, 4), (5, 3), (6, 2)])
    np.testing.assert_allclose(saved_axes[1].lines[0].get_xydata(), [(1, 89), (2, 50)])


def test_an_abandoned_end_is_left_out(write_log, tmp_path, saved_axes):
    """Resumed from an earlier checkpoint than the last; no validation since."""
    write_log('run/20261130_080000')
    write_log('run/20261130_090000', losses=[4, 3], errors=(), start=3)
    plot_training_curves({'run': tmp_path / 'run'}, tmp_path / 'curves.png')
    np.testing.assert_allclose(saved_axes[0].lines[0].get_ydata(), [0.5, 0.4, 0.3, 4, 3])
    np.testing.assert_allclose(saved_axes[1].lines[0].get_xydata(), [(1, 90)])


def test_bad_logs(tmp_path):
    picture, log = tmp_path / 'curves.png', tmp_path / 'scalars.json'
    with pytest.raises(InputError, match=r'curves.png: expected at least one run, got none'):
        plot_training_curves({}, picture)
    with pytest.raises(InputError, match=r'no training log .*scalars.json: expected the work directory of a finished'):
        plot_training_curves({'run': log}, picture)
    log.write_text('{"loss": 1.0, "step": 1}\n{"loss": 0.\n{"loss": 1.0, "step": 3}\n')
    with pytest.raises(
        InputError, match=r'scalars.json, line 2: expected an entry of an MMEngine log, got .{"loss": 0'
    ):
        plot_training_curves({'run': log}, picture)
    for line in ('{"loss": "low", "step": 1}', '{"loss": 1.0, "step": null}', '"loss"', '[' * 100_000, '\udcff\n'):
        log.write_text(line, errors='surrogateescape')
        with pytest.raises(InputError, match=r'scalars.json, line 1: expected an entry of an MMEngine log'):
            plot_training_curves({'run': log}, picture)
    log.write_text(json.dumps({'h36m/MPJPE_mm': 50.0, 'step': 1}))
    for run in (log, tmp_path):
        with pytest.raises(InputError, match=r"scalars.json: expected entries with 'loss' of a training, found none"):
            plot_training_curves({'run': run}, picture)
    assert not picture.exists()
