"""Human3.6M's official files."""

import shutil
import tarfile

import numpy as np
import pytest
from official_h36m import OfficialTake, make_official_cameras, write_official_h36m

from depth_refine.data_tools.preparation.metadata import read_cameras, read_takes
from depth_refine.data_tools.preparation.raw_files import unpack
from depth_refine.data_tools.preparation.sequences import inspect_sequence
from depth_refine.functional.camera import project
from depth_refine.synthetic.motion import make_motion
from depth_refine.synthetic.subjects import make_proportions

CAMERA = '55011271'


@pytest.fixture(scope='module')
def cameras():
    return make_official_cameras(seed=3)


@pytest.fixture(scope='module')
def raw(tmp_path_factory, cameras):
    """One take of nine frames without videos."""
    joints = make_motion('Greeting', make_proportions(0, 0), np.random.default_rng(0), 9)[0]
    raw = tmp_path_factory.mktemp('official') / 'raw'
    write_official_h36m(raw, [OfficialTake('S5', 'Eating 1', joints)], cameras, videos=False)
    return raw


@pytest.fixture(scope='module')
def files(raw):
    """The CDF files of one camera."""
    kinds = {'2D poses': 'D2_Positions', '3D poses': 'D3_Positions_mono'}
    return {kind: next(raw.rglob(f'*{folder}/*{CAMERA}.cdf')) for kind, folder in kinds.items()}


@pytest.mark.parametrize('kind', ['2D poses', '3D poses'])
def test_cdf(fuzz, files, cameras, tmp_path, kind):
    camera = cameras['S5', CAMERA]
    whole = inspect_sequence(files, camera, crops=False)

    def judge(_, sequence):
        """2D and 3D poses belong together and, but for what is lost at the end, are those written."""
        count = len(sequence.poses_2d)
        assert sequence.poses_3d.shape == (count, 17, 3) and count <= 9
        assert np.abs(project(sequence.poses_3d, camera) - sequence.poses_2d).max() < 0.11
        assert np.abs(sequence.poses_2d - whole.poses_2d[:count]).max() < 0.11

    content = files[kind].read_bytes()
    fuzz.bytes(tmp_path / 'a.cdf', content, lambda path: inspect_sequence({**files, kind: path}, camera, False), judge)


def test_metadata(fuzz, raw, tmp_path):
    def judge(_, found):
        cameras, takes = found
        for camera in cameras.values():
            np.testing.assert_allclose(camera['R'] @ camera['R'].T, np.eye(3), atol=1e-9)
            assert np.isfinite(np.concatenate([np.ravel(camera[key]) for key in 'RTfckpwh'])).all()
        assert len(cameras) == 44 and takes and all(name for names in takes.values() for name in names)

    content = (raw / 'metadata.xml').read_bytes()
    fuzz.bytes(tmp_path / 'metadata.xml', content, lambda path: (read_cameras(path), read_takes(path)), judge)


@pytest.mark.parametrize('mode', ['w:gz', 'w'])
def test_archive(fuzz, files, tmp_path, mode):
    (tmp_path / 'raw').mkdir()
    (tmp_path / 'out').mkdir()
    path, folder = tmp_path / 'raw/Poses_D2_Positions_S5.tgz', tmp_path / 'out/unpacked'
    with tarfile.open(path, mode) as tar:
        tar.add(files['2D poses'], f'S5/MyPoseFeatures/D2_Positions/Eating 1.{CAMERA}.cdf')

    def read(path):
        shutil.rmtree(folder, ignore_errors=True)
        return unpack([path], path.parent, folder, already=[])

    def judge(_, found):
        """What is there lies in its folder; a gzip file's checksum holds for its content."""
        assert sorted(item.name for item in tmp_path.iterdir()) == ['out', 'raw']
        assert [item.name for item in folder.parent.iterdir()] in ([], ['unpacked'])
        for file in found.values():
            assert file.resolve().is_relative_to(folder)
            assert mode == 'w' or file.read_bytes() == files['2D poses'].read_bytes()

    fuzz.bytes(path, path.read_bytes(), read, judge)
