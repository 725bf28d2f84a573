import cv2
import numpy as np
import pytest
from mmengine.visualization import Visualizer

from depth_refine.utils.errors import InputError
from depth_refine.visualization import plot_training_curves


@pytest.fixture
def write_log(tmp_path):
    """A function that lets MMEngine itself write a log with epochs of three iterations, as a runner does."""

    def write(name, losses=(0.5, 0.4, 0.3, 0.25, 0.2, 0.1), errors=(90.0, 60.0), start=0, prefix='h36m'):
        visualizer = Visualizer(save_dir=str(tmp_path / name), vis_backends=[dict(type='LocalVisBackend')])
        for number, loss in enumerate(losses, start=start + 1):
            entry = dict(lr=1e-3, loss=loss, iter=number, epoch=(number + 2) // 3)
            visualizer.add_scalars(entry, step=number)
            if number % 3 == 0 and errors:
                visualizer.add_scalars({f'{prefix}/MPJPE_mm': errors[(number - start) // 3 - 1]}, step=number // 3)
        visualizer.close()
        return tmp_path / name / 'vis_data/scalars.json'

    return write


def test_curves_of_two_runs(write_log, tmp_path, saved_figures):
    runs = {'2D': write_log('a'), '2D + depth': write_log('b', errors=(80.0, 40.0), prefix='pose3d')}
    plot_training_curves(runs, tmp_path / 'out' / 'curves.png')
    assert cv2.imread(str(tmp_path / 'out' / 'curves.png')).shape[1] > 1000
    training, validation = saved_figures[0].axes
    assert [[line.get_label() for line in axes.lines] for axes in (training, validation)] == [list(runs)] * 2
    np.testing.assert_array_equal(training.lines[0].get_xydata().T, [range(1, 7), [0.5, 0.4, 0.3, 0.25, 0.2, 0.1]])
    np.testing.assert_allclose(validation.lines[1].get_xydata(), [(1, 80), (2, 40)])
    assert (training.get_xlabel(), validation.get_xlabel()) == ('iteration', 'epoch')
    assert validation.get_ylabel() == 'MPJPE (mm)'


def test_training_by_iterations_and_without_validation(tmp_path, saved_figures):
    runs = {'run': tmp_path / 'a.json', 'other': tmp_path / 'b.json'}
    runs['run'].write_text('{"loss": 0.5, "step": 1}\n{"h36m/MPJPE_mm": 9, "step": 3}\n')
    runs['other'].write_text('{"loss": 0.3, "step": 1}')
    plot_training_curves(runs, tmp_path / 'curves.png')
    assert saved_figures[0].axes[1].get_xlabel() == 'iteration'
    assert [line.get_xydata().tolist() for line in saved_figures[0].axes[1].lines] == [[[3, 9]], []]


def test_an_interrupted_training_is_one_curve(write_log, tmp_path, saved_figures):
    """Killed in the second epoch, in the middle of a line, and resumed after the first, whose validation repeats."""
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
    training, validation = saved_figures[0].axes
    np.testing.assert_array_equal(training.lines[0].get_xydata().T, [range(1, 7), [9, 8, 7, 4, 3, 2]])
    np.testing.assert_allclose(validation.lines[0].get_xydata(), [(1, 89), (2, 50)])


def test_an_abandoned_end_is_left_out(write_log, tmp_path, saved_figures):
    """The run was resumed from an earlier checkpoint than the last, without a validation since."""
    write_log('run/20261130_080000')
    write_log('run/20261130_090000', losses=[4, 3], errors=(), start=3)
    plot_training_curves({'run': tmp_path / 'run'}, tmp_path / 'curves.png')
    np.testing.assert_allclose(saved_figures[0].axes[0].lines[0].get_ydata(), [0.5, 0.4, 0.3, 4, 3])
    np.testing.assert_allclose(saved_figures[0].axes[1].lines[0].get_xydata(), [(1, 90)])


NO_LOSS = '{"h36m/MPJPE_mm": 50, "step": 1}\n'
BAD_LINES = (
    '{"loss": 0.',
    '{"loss": "a", "step": 1}',
    '{"loss": 1, "step": null}',
    '"loss"',
    '[1]',
    '[' * 99_999,
    '\udcff',
)


@pytest.mark.parametrize(
    ('names', 'content', 'message'),
    [
        ([], NO_LOSS, r'curves.png: expected at least one run, got none'),
        (['log'], NO_LOSS, "log: expected entries with 'loss' of a training, found none"),
        ([''], NO_LOSS, r"scalars.json: expected entries with 'loss' of a training, found none"),
        (['other'], NO_LOSS, r'no training log .*other: expected the work directory of a finished'),
        *(
            (['log'], f'{NO_LOSS}{line}\n', 'log, line 2: expected an entry of an MMEngine log, got')
            for line in BAD_LINES
        ),
    ],
)
def test_bad_logs(tmp_path, names, content, message):
    (tmp_path / 'log').write_text(content, errors='surrogateescape')
    with pytest.raises(InputError, match=message):
        plot_training_curves({name: tmp_path / name for name in names}, tmp_path / 'curves.png')
    assert not (tmp_path / 'curves.png').exists()
