"""Tools killed at random moments and run again; ``pytest tests/faults/test_kills.py --kills 200`` prints counts."""

import re
import shutil
import signal
from collections import Counter

import numpy as np
import pytest

JOBS = ['synthetic', 'preparation', 'extraction', 'first_stage', 'second_stage', 'table']
COLUMNS = ['killed', 'in the middle of work', 'resumed', 'finished outputs damaged', 'half-written taken for finished']
KILLS_OF_A_RUN = 3


@pytest.fixture(scope='module')
def figures(request):
    """Counts by job and signal, printed at the end."""
    figures = {}
    yield figures
    with request.config.pluginmanager.getplugin('capturemanager').global_and_fixture_disabled():
        print('\n\n| job | signal |', ' | '.join(COLUMNS), '|\n|---|---|', '---:|' * len(COLUMNS), sep='')
        for (job, name), counts in [*sorted(figures.items()), (('all', ''), sum(figures.values(), Counter()))]:
            print(f'| {job} | {name} |', ' | '.join(str(counts[column]) for column in COLUMNS), '|')


@pytest.mark.parametrize('name', JOBS)
def test_killed_and_run_again(name, request, server, figures, tmp_path):
    job, kills = request.getfixturevalue(name), -(-request.config.getoption('kills', 12) // len(JOBS))
    rng = np.random.default_rng([request.config.getoption('kill_seed', 0), JOBS.index(name)])
    expected, losses = server.finished(job.out), server.losses_of(job.out)
    while kills > 0:
        out, seen, counts = tmp_path / 'out', {}, Counter()
        for _ in range(min(kills, KILLS_OF_A_RUN)):
            if name == 'synthetic' and out.exists():  # killed after its work; a folder that is there is refused
                break
            signal_number = signal.Signals(rng.choice([signal.SIGKILL, signal.SIGTERM]))
            status = server.run_and_kill(rng.uniform(0, job.seconds), signal_number, *job.command(out))
            if status == 0:  # it was too late
                break
            assert status in (-signal_number, 143)
            kills -= 1
            counts = figures.setdefault((name, signal_number.name), Counter())
            left = server.finished(out)
            counts['killed'] += 1
            counts['in the middle of work'] += out.exists() or any(tmp_path.glob('.out.partial'))
            counts['finished outputs damaged'] += len(lost(seen, left))
            counts['half-written taken for finished'] += sum(expected.get(original(key)) != left[key] for key in left)
            assert not counts['finished outputs damaged'] and not counts['half-written taken for finished']
            seen = left
        if name != 'synthetic' or not out.exists():
            status, printed, _ = server.run(*job.command(out))
            assert status == 0, printed[-3000:]
        counts['resumed'] += 1
        assert server.finished(out) == latest(expected)
        assert not [path for path in tmp_path.rglob('*partial*')]
        resumed = server.losses_of(out)
        assert resumed.keys() == losses.keys()
        for step, values in resumed.items():
            np.testing.assert_allclose(values, losses[step] * len(values), rtol=1e-6, err_msg=step)
        shutil.rmtree(out)


def original(name):
    """The checkpoint of the epoch whose copy is called the best."""
    return re.sub(r'best_.*_(epoch_\d+\.pth)', r'\1', name)


def latest(expected):
    """Without the first of three checkpoints, of which training keeps two."""
    return {key: value for key, value in expected.items() if key != 'epoch_1.pth'}


def lost(seen, left):
    """Finished files that changed or are gone; a checkpoint may have been replaced by a later one."""
    return {key for key in seen if left.get(key, seen[key] if key.endswith('.pth') else None) != seen[key]}
