import hashlib
import shutil

import numpy as np
import pytest
from official_h36m import OfficialTake, make_official_cameras, write_official_h36m
from official_mpi_inf_3dhp import write_recording, write_test_set

from depth_refine.data_tools.preparation.mpi_inf_3dhp import prepare_mpi_inf_3dhp
from depth_refine.data_tools.preparation.prepare import prepare_h36m
from depth_refine.synthetic.performances import procedural_performances


def make_take(subject, name, frames):
    (performance,) = procedural_performances(['S5'], ['Greeting'], frames, seed=frames)
    return OfficialTake(subject, name, performance.joints - [*performance.joints[0, 0, :2], 0])


@pytest.fixture(scope='session')
def official_cameras():
    return make_official_cameras(seed=3)


@pytest.fixture(scope='session')
def official_takes():
    """Names of takes, with numbers and without, in both spellings."""
    names = [('S1', 'Directions 1'), ('S1', 'TakingPhoto'), ('S9', 'Photo 1'), ('S11', 'Directions')]
    return [make_take(subject, name, 5 + index) for index, (subject, name) in enumerate(names)]


@pytest.fixture(scope='session')
def official_h36m(tmp_path_factory, official_cameras, official_takes):
    """Mock official files of Human3.6M, four takes, extracted; do not change them."""
    raw = tmp_path_factory.mktemp('official') / 'raw'
    write_official_h36m(raw, official_takes, official_cameras)
    return raw


@pytest.fixture
def raw(official_h36m, tmp_path):
    return shutil.copytree(official_h36m, tmp_path / 'raw')


@pytest.fixture
def long_raw(official_cameras, tmp_path):
    """One take of 60 frames with one of its cameras and no video."""
    raw = tmp_path / 'long'
    write_official_h36m(raw, [make_take('S5', 'Eating 1', 60)], official_cameras, videos=False)
    for path in raw.rglob('*.cdf'):
        if '55011271' not in path.name:
            path.unlink()
    return raw


@pytest.fixture
def grey_video():
    """A video of a camera's size, each frame of its own grey."""
    return lambda count, height=1000: (np.full((height, 1000, 3), 20 * index % 256, np.uint8) for index in range(count))


@pytest.fixture(scope='session')
def prepared(official_h36m, tmp_path_factory):
    """The output of :func:`prepare_h36m` for the four takes, and its outcome; do not change it."""
    out = tmp_path_factory.mktemp('prepared') / 'out'
    return out, prepare_h36m(official_h36m, out, steps=[1, 3], workers=1)


@pytest.fixture
def read_arrays():

    def read(out, split, rate='50'):
        with np.load(out / f'annotation_body3d/fps{rate}/h36m_{split}.npz') as file:
            return dict(file)

    return read


@pytest.fixture
def digests():
    return lambda out: {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob('*')
        if path.is_file() and '.preparation' not in path.parts
    }


@pytest.fixture
def save_archive():
    """A function that writes VideoPose3D's archives from values by subject and action; ``changes`` of the metadata."""
    symmetry = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
    metadata = dict(layout_name='h36m', num_joints=17, keypoints_symmetry=symmetry)

    def save(path, key, positions, **changes):
        nested = {}
        for (subject, action), value in positions.items():
            nested.setdefault(subject, {})[action] = value
        np.savez_compressed(path, **{key: nested}, metadata=metadata | changes)

    return save


@pytest.fixture(scope='session')
def official_mpi_inf_3dhp(tmp_path_factory):
    """Mock files of MPI-INF-3DHP: recordings of 25 and 50 frames a second and two test sets; do not change them."""
    raw = tmp_path_factory.mktemp('mpi_inf_3dhp') / 'raw'
    write_recording(raw, 'S1/Seq1', frames=5, seed=1)
    write_recording(raw, 'S8/Seq1', frames=4, seed=2)
    write_recording(raw, 'S3/Seq2', frames=6, seed=3)
    test = raw / 'mpi_inf_3dhp_test_set/mpi_inf_3dhp_test_set'
    write_test_set(test, 'TS1', (2048, 2048), [False, True, False, True], seed=4, images=6)
    write_test_set(test, 'TS6', (1920, 1080), [True, False, True], seed=5)
    return raw


@pytest.fixture
def mpi_raw(official_mpi_inf_3dhp, tmp_path):
    return shutil.copytree(official_mpi_inf_3dhp, tmp_path / 'raw')


@pytest.fixture(scope='session')
def mpi_prepared(official_mpi_inf_3dhp, tmp_path_factory):
    """The output of :func:`prepare_mpi_inf_3dhp` for these files, and its outcome; do not change it."""
    out = tmp_path_factory.mktemp('mpi_prepared') / 'out'
    return out, prepare_mpi_inf_3dhp(official_mpi_inf_3dhp, out, rates=[25, 50], workers=1)
