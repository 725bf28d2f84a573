import numpy as np
import pytest
from official_h36m import write_cdf

from depth_refine.data_tools.preparation.raw_files import SequenceError, SequenceKey
from depth_refine.data_tools.preparation.sequences import inspect_sequence, run_jobs
from depth_refine.functional.camera import project

KEY = ('S1', '58860488')
KEYS = [SequenceKey('S1', f'Eating {take}', '54138969') for take in range(4)]


@pytest.mark.parametrize(('frames_2d', 'frames_3d'), [(60, 11), (11, 60), (61, 11)])
def test_lengths_that_differ(tmp_path, official_cameras, frames_2d, frames_3d):
    camera = official_cameras[KEY]
    joints = np.random.default_rng(0).uniform([-1, -1, 4], [1, 1, 6], (max(frames_2d, frames_3d), 32, 3))
    write_cdf(tmp_path / '2.cdf', project(joints, camera)[:frames_2d].reshape(frames_2d, -1))
    write_cdf(tmp_path / '3.cdf', 1000 * joints[:frames_3d].reshape(frames_3d, -1))
    files = {'2D poses': tmp_path / '2.cdf', '3D poses': tmp_path / '3.cdf'}
    if frames_2d - frames_3d == 50:  # a second
        with pytest.raises(SequenceError, match='61 frames of 2D poses, 11 of 3D poses: download or unpack them again'):
            inspect_sequence(files, camera, crops=True)
    else:
        sequence = inspect_sequence(files, camera, crops=True)
        assert len(sequence.poses_2d) == len(sequence.poses_3d) == len(sequence.crops.windows) == 11
        assert sequence.note == f'{frames_2d} frames of 2D poses, {frames_3d} of 3D poses: the first 11 are used'


def halve(number):
    if number % 2:
        raise SequenceError(f'{number} is odd')
    return number // 2


@pytest.mark.parametrize('workers', [1, 2])
def test_results_in_order_and_errors_apart(workers, capsys):
    errors = {}
    jobs = dict(zip(KEYS, [(8,), (5,), (4,), (2,)], strict=True))
    results = run_jobs(halve, jobs, dict.fromkeys(KEYS, 10), workers, errors.__setitem__, desc='halving', unit='half')
    assert list(results.items()) == [(KEYS[0], 4), (KEYS[2], 2), (KEYS[3], 1)]
    assert {key: str(error) for key, error in errors.items()} == {KEYS[1]: '5 is odd'}
    assert 'halving: 100%' in (progress := capsys.readouterr().err) and '40/40' in progress
    with pytest.raises(TypeError):
        run_jobs(halve, {KEYS[0]: ('x',)}, {KEYS[0]: 1}, 1, errors.__setitem__)
