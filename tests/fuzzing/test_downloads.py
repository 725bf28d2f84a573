"""Human3.6M's official files, VideoPose3D's archives, which are pickles, and checkpoints."""

import io
import shutil
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from mmengine.runner import CheckpointLoader
from official_h36m import OfficialTake, make_official_cameras, write_official_h36m

from depth_refine.data_tools.conversion import convert_checkpoint
from depth_refine.data_tools.preparation.metadata import read_cameras, read_takes
from depth_refine.data_tools.preparation.raw_files import unpack
from depth_refine.data_tools.preparation.sequences import inspect_sequence
from depth_refine.data_tools.preparation.videopose3d_archive import read_detections, read_poses
from depth_refine.functional.camera import project
from depth_refine.synthetic.motion import make_motion
from depth_refine.synthetic.subjects import make_proportions
from depth_refine.utils.compat import load_from_file
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import JOINTS_OF_32

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
    fuzz(tmp_path / 'a.cdf', content, lambda path: inspect_sequence({**files, kind: path}, camera, False), judge)


def test_metadata(fuzz, raw, tmp_path):
    def judge(_, found):
        cameras, takes = found
        for camera in cameras.values():
            np.testing.assert_allclose(camera['R'] @ camera['R'].T, np.eye(3), atol=1e-9)
            assert np.isfinite(np.concatenate([np.ravel(camera[key]) for key in 'RTfckpwh'])).all()
        assert len(cameras) == 44 and takes and all(name for names in takes.values() for name in names)

    content = (raw / 'metadata.xml').read_bytes()
    fuzz(tmp_path / 'metadata.xml', content, lambda path: (read_cameras(path), read_takes(path)), judge)


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

    fuzz(path, path.read_bytes(), read, judge)


RNG = np.random.default_rng(0)
POSES = dict(S1={'Eating': RNG.normal(size=(3, 32, 3)).astype('f4')}, S9={'Walking 1': RNG.normal(size=(2, 17, 3))})
DETECTIONS = dict(S1={'Eating': [RNG.uniform(0, 1000, (3, 17, 2)).astype('f4') for _ in range(4)]})
SYMMETRY = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
METADATA = dict(layout_name='h36m', num_joints=17, keypoints_symmetry=SYMMETRY)


def archive(objects):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{key: np.array(value, dtype=object) for key, value in objects.items()})
    return buffer.getvalue()


def zipped(npy):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        file.writestr('positions_3d.npy', npy)
    return buffer.getvalue()


def check_videos(tree, videos):
    """The videos are those of the file, the joints those of the 17."""
    assert videos.keys() == {(subject, action) for subject, actions in tree.items() for action in actions}
    for (subject, action), found in videos.items():
        expected = tree[subject][action]
        is_32 = isinstance(expected, np.ndarray) and expected.shape[1] == 32
        np.testing.assert_array_equal(found, expected[:, JOINTS_OF_32] if is_32 else expected)
        assert np.isfinite(found).all()


def test_poses_and_detections(fuzz, tmp_path):
    path, content = tmp_path / 'data_3d_h36m.npz', dict(positions_3d=POSES)
    fuzz(path, content, read_poses, lambda case, poses: check_videos(case['positions_3d'], poses), archive)
    fuzz(path, archive(content), read_poses, lambda _, poses: check_videos(POSES, poses))  # it has a checksum
    path, content = tmp_path / 'data_2d_h36m_x.npz', dict(positions_2d=DETECTIONS, metadata=METADATA)
    fuzz(path, content, read_detections, lambda case, found: check_videos(case['positions_2d'], found), archive)


@pytest.fixture
def npy():
    """The npy header and the pickle of poses."""
    with zipfile.ZipFile(io.BytesIO(archive(dict(positions_3d=POSES)))) as file:
        return file.read('positions_3d.npy')


def test_pickle(fuzz, tmp_path, npy):
    """Without a checksum, as far as can be seen, these are poses."""

    def judge(_, poses):
        for positions in poses.values():
            assert positions.ndim == 3 and positions.shape[1:] == (17, 3) and np.isfinite(positions).all()

    fuzz(tmp_path / 'data_3d_h36m.npz', npy, read_poses, judge, zipped)


WEIGHTS = dict(weight=torch.arange(12.0).reshape(3, 4), bias=torch.ones(3))
CHECKPOINT = dict(meta=dict(epoch=3, seed=1, cfg='model = 1'), state_dict=WEIGHTS, message_hub=dict(a=np.arange(4.0)))
FORMATS = pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])


def saved(content, zipped=True):
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def tensors_of(checkpoint):
    weights = checkpoint.get('state_dict', checkpoint)
    return {name: value for name, value in weights.items() if isinstance(value, torch.Tensor)}


@pytest.mark.parametrize('load', [load_from_file, CheckpointLoader.load_checkpoint], ids=['ours', 'mmengine'])
@FORMATS
def test_checkpoint(fuzz, tmp_path, zipped, load):
    path = tmp_path / 'epoch_3.pth'

    def judge(case, checkpoint):
        """The zip file's checksum holds for weights; a legacy file has none, and as many numbers as it has bytes."""
        tensors = tensors_of(checkpoint)
        expected = tensors_of(case) if isinstance(case, dict) else WEIGHTS | tensors
        if zipped:
            torch.testing.assert_close(tensors, expected, rtol=0, atol=0)
        assert sum(tensor.untyped_storage().nbytes() for tensor in tensors.values()) <= 2 * path.stat().st_size

    def read(path):
        return load(str(path), map_location='cpu')

    fuzz(path, saved(CHECKPOINT, zipped), read, judge)
    fuzz(path, CHECKPOINT, read, judge, lambda case: saved(case, zipped))


@FORMATS
def test_conversion(fuzz, tmp_path, zipped):
    """VideoPose3D's network with one block of four channels."""
    shapes = {'expand_conv.weight': (4, 34, 3), 'shrink.weight': (51, 4, 1), 'shrink.bias': (51,)}
    shapes |= {'layers_conv.0.weight': (4, 4, 3), 'layers_conv.1.weight': (4, 4, 1)}
    for norm in ('expand_bn', 'layers_bn.0', 'layers_bn.1'):
        shapes |= {f'{norm}.{name}': (4,) for name in ('weight', 'bias', 'running_mean', 'running_var')}
    content = dict(model_pos={name: torch.rand(shape) for name, shape in shapes.items()}, epoch=80)

    def convert(path):
        out = tmp_path / 'refiner.pth'
        out.unlink(missing_ok=True)
        shape, _ = convert_checkpoint(path, out, 'videopose3d', 'h36m')
        assert sorted(item.name for item in tmp_path.iterdir()) == ['pretrained.bin', 'refiner.pth']
        return shape, load_from_file(str(out))['state_dict']

    def judge(case, converted):
        shape, weights = converted
        network = (case if isinstance(case, dict) else content)['model_pos']
        assert shape.receptive_field == 9 and weights['backbone.input_conv.conv.weight'].shape == (4, 34, 3)
        if zipped:
            for theirs, ours in (
                ('shrink.bias', 'head.conv.bias'),
                ('expand_bn.bias', 'backbone.input_conv.norm.bias'),
            ):
                torch.testing.assert_close(weights[ours], network[theirs], rtol=0, atol=0)

    fuzz(tmp_path / 'pretrained.bin', saved(content, zipped), convert, judge)
    fuzz(tmp_path / 'pretrained.bin', content, convert, judge, lambda case: saved(case, zipped))


@FORMATS
def test_a_billion_weights_in_a_kilobyte(tmp_path, limits, zipped):
    """The count in the pickle is not that of the bytes behind it."""
    path, count = tmp_path / 'epoch_3.pth', b'K\x0c'  # BININT1 12
    content = saved(dict(weight=torch.arange(12.0)), zipped)
    assert count in content
    path.write_bytes(content.replace(count, b'J\xff\xff\xff\x7f'))
    with limits(), pytest.raises(InputError, match=r'epoch_3\.pth'):
        load_from_file(str(path))
