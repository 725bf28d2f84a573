import tracemalloc

import cdflib
import numpy as np
import pytest
from cdflib.cdfwrite import CDF
from official_h36m import write_cdf

from depth_refine.data_tools.preparation.raw_files import SequenceError, SequenceKey
from depth_refine.data_tools.preparation.sequences import inspect_sequence, read_poses, run_jobs
from depth_refine.functional.camera import project

JOINTS = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
KEYS = [SequenceKey('S1', f'Eating {take}', '54138969') for take in range(4)]


def numbers(frames, channels):
    """Poses in which the number of frame f, joint j, coordinate c of C is 1000 f + C j + c."""
    return 1000 * np.arange(frames)[:, None] + np.arange(channels)


@pytest.mark.parametrize('dims', [2, 3])
def test_joints(tmp_path, dims):
    write_cdf(tmp_path / 'a.cdf', numbers(5, 32 * dims))
    poses = read_poses(tmp_path / 'a.cdf', dims)
    assert poses.shape == (5, 17, dims) and poses.dtype == np.float32
    for index, joint in enumerate(JOINTS):
        np.testing.assert_array_equal(poses[4, index], 4000 + dims * joint + np.arange(dims))


def test_one_record_for_each_frame(tmp_path):
    """Some conversions of the files have (frames, channels) instead of (1, frames, channels)."""
    file = CDF(str(tmp_path / 'a.cdf'), cdf_spec={'rDim_sizes': []})
    specification = dict(Variable='Pose', Data_Type=44, Num_Elements=1, Rec_Vary=True, Dim_Sizes=[64], Compress=6)
    file.write_var(specification, var_data=numbers(7, 64).astype(np.float32))
    file.close()
    assert np.shape(cdflib.CDF(tmp_path / 'a.cdf').varget('Pose')) == (7, 64)
    np.testing.assert_array_equal(read_poses(tmp_path / 'a.cdf', 2)[6, 16], [6054, 6055])


@pytest.mark.parametrize(
    ('poses', 'message'),
    [
        (None, r'a.cdf is not a readable CDF file \(.*not found\): download or unpack it again'),
        (numbers(4, 96)[None], r'a.cdf: expected poses \(1, frames, 96\), got float32 \(1, 1, 4, 96\)'),
        (numbers(4, 78), r'a.cdf: expected 32 joints of 3 numbers, got 78 numbers'),  # angles
        (np.where(numbers(4, 96) == 3005, np.nan, 1), r'a.cdf holds numbers that are not finite'),
    ],
)
def test_other_content(tmp_path, poses, message):
    if poses is not None:
        write_cdf(tmp_path / 'a.cdf', poses)
    with pytest.raises(SequenceError, match=message):
        read_poses(tmp_path / 'a.cdf', 3)


@pytest.mark.parametrize('field', ['records', 'sizes of dimensions', 'number of dimensions'])
def test_wrong_counts_cost_neither_time_nor_memory(tmp_path, field):
    """A file of kilobytes states counts of a billion."""
    write_cdf(tmp_path / 'a.cdf', numbers(9, 96))
    content = bytearray((tmp_path / 'a.cdf').read_bytes())
    name = content.index(b'Pose\0')  # within the record of the variable
    at = {'records': name - 84 + 24, 'sizes of dimensions': name + 260, 'number of dimensions': name + 256}[field]
    content[at : at + 4] = (10**9).to_bytes(4, 'big')
    (tmp_path / 'a.cdf').write_bytes(content)
    tracemalloc.start()
    with pytest.raises(SequenceError, match=r'a\.cdf is not a readable CDF file \(.*claim'):
        read_poses(tmp_path / 'a.cdf', 3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ('frames_2d', 'frames_3d', 'unit', 'message'),
    [
        (60, 11, 1000, None),
        (11, 60, 1000, None),
        (61, 11, 1000, '61 frames of 2D poses, 11 of 3D poses: download or unpack them again'),
        (11, 11, 1, r'3.cdf, divided by 1000, reaches .*: expected millimetres in the file'),
    ],
)
def test_files_of_one_sequence(tmp_path, official_cameras, frames_2d, frames_3d, unit, message):
    camera = official_cameras['S1', '58860488']
    joints = np.random.default_rng(0).uniform([-1, -1, 4], [1, 1, 6], (max(frames_2d, frames_3d), 32, 3))
    write_cdf(tmp_path / '2.cdf', project(joints, camera)[:frames_2d].reshape(frames_2d, -1))
    write_cdf(tmp_path / '3.cdf', unit * joints[:frames_3d].reshape(frames_3d, -1))
    files = {'2D poses': tmp_path / '2.cdf', '3D poses': tmp_path / '3.cdf'}
    if message:
        with pytest.raises(SequenceError, match=message):
            inspect_sequence(files, camera, crops=True)
    else:
        sequence = inspect_sequence(files, camera, crops=True)
        np.testing.assert_allclose(sequence.poses_3d, joints[:11, JOINTS], atol=1e-6)
        assert len(sequence.poses_2d) == len(sequence.crops.windows) == 11
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
