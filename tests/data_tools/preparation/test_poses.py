import tracemalloc

import cdflib
import numpy as np
import pytest
from cdflib.cdfwrite import CDF
from official_h36m import write_cdf

from depth_refine.data_tools.preparation.poses import read_poses_2d, read_poses_3d
from depth_refine.data_tools.preparation.raw_files import SequenceError

JOINTS = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]


def numbers(frames, channels):
    """The number of frame f, joint j, coordinate c of C is 1000 f + C j + c."""
    return 1000 * np.arange(frames)[:, None] + np.arange(channels)


@pytest.mark.parametrize(('read', 'dims', 'factor'), [(read_poses_2d, 2, 1), (read_poses_3d, 3, 1000)])
def test_joints_in_pixels_and_metres(tmp_path, read, dims, factor):
    write_cdf(tmp_path / 'a.cdf', numbers(5, 32 * dims))
    poses = read(tmp_path / 'a.cdf')
    assert poses.shape == (5, 17, dims) and poses.dtype == np.float32
    for index, joint in enumerate(JOINTS):
        np.testing.assert_allclose(poses[4, index], (4000 + dims * joint + np.arange(dims)) / factor, rtol=1e-7)


def test_one_record_for_each_frame(tmp_path):
    """Some conversions of the files have (frames, channels) instead of (1, frames, channels)."""
    file = CDF(str(tmp_path / 'a.cdf'), cdf_spec={'rDim_sizes': []})
    specification = dict(Variable='Pose', Data_Type=44, Num_Elements=1, Rec_Vary=True, Dim_Sizes=[64], Compress=6)
    file.write_var(specification, var_data=numbers(7, 64).astype(np.float32))
    file.close()
    assert np.shape(cdflib.CDF(tmp_path / 'a.cdf').varget('Pose')) == (7, 64)
    np.testing.assert_array_equal(read_poses_2d(tmp_path / 'a.cdf')[6, 16], [6054, 6055])


@pytest.mark.parametrize(
    ('read', 'poses', 'message'),
    [
        (read_poses_2d, None, r'a.cdf is not a readable CDF file \(.*not found\): download or unpack it again'),
        (read_poses_3d, numbers(4, 78), r'a.cdf: expected 32 joints of 3 numbers, got 78 numbers'),  # angles
        (read_poses_2d, np.where(numbers(4, 64) == 3005, np.nan, 1), r'a.cdf holds numbers that are not finite'),
        (read_poses_3d, numbers(5, 96) / 1000, r'a.cdf, divided by 1000, reaches .*: expected millimetres in the file'),
    ],
)
def test_other_content(tmp_path, read, poses, message):
    if poses is not None:
        write_cdf(tmp_path / 'a.cdf', poses)
    with pytest.raises(SequenceError, match=message):
        read(tmp_path / 'a.cdf')


@pytest.mark.parametrize('field', ['records', 'sizes of dimensions', 'number of dimensions'])
def test_claims_cost_neither_time_nor_memory(tmp_path, field):
    """Counts of a billion in a file of kilobytes."""
    write_cdf(tmp_path / 'a.cdf', numbers(9, 96))
    content = bytearray((tmp_path / 'a.cdf').read_bytes())
    name = content.index(b'Pose\0')  # within the record of the variable
    at = {'records': name - 84 + 24, 'sizes of dimensions': name + 260, 'number of dimensions': name + 256}[field]
    content[at : at + 4] = (10**9).to_bytes(4, 'big')
    (tmp_path / 'a.cdf').write_bytes(content)
    tracemalloc.start()
    with pytest.raises(SequenceError, match=r'a\.cdf is not a readable CDF file \(.*claim'):
        read_poses_3d(tmp_path / 'a.cdf')
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
