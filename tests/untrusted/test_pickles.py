"""Malicious pickles in the place of everything that is read."""

import ast
import io
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.runner import CheckpointLoader, load_checkpoint
from mmpose.registry import MODELS

from depth_refine.data_tools.conversion import convert_checkpoint
from depth_refine.data_tools.conversion.prediction_files import read_keypoints
from depth_refine.data_tools.preparation.videopose3d_archive import read_detections, read_poses
from depth_refine.datasets import H36MAnnotation, SequenceStore, load_cameras, write_sequence_store
from depth_refine.evaluation.prediction_dump import read_predictions
from depth_refine.inference.people.person_boxes import BoxFile
from depth_refine.synthetic.mocap import read_clips
from depth_refine.utils.checkpoint import check_checkpoint
from depth_refine.utils.compat import load_from_file
from depth_refine.utils.errors import InputError

ROOT = Path(__file__).parents[2]


def zip_checkpoint(content):
    """PyTorch's format, a zip file with the pickle in it."""
    torch.save(dict(weight=torch.ones(2)), clean := io.BytesIO())
    with zipfile.ZipFile(clean) as source:
        files = {name: source.read(name) for name in source.namelist()}
    return zipped({name: content if name.endswith('data.pkl') else data for name, data in files.items()})


def legacy_checkpoint(content):
    """PyTorch's format before 1.6: three pickles, the content, the keys of its storages."""
    head = [0x1950A86A20F9469CFC6C, 1001, dict(protocol_version=1001, little_endian=True, type_sizes={})]
    return b''.join(pickle.dumps(item, protocol=2) for item in head) + content + pickle.dumps([], protocol=2)


def tar_checkpoint(content):
    """PyTorch's format of 2016."""
    buffer, files = io.BytesIO(), dict.fromkeys(('pickle', 'storages', 'tensors'), content)
    with tarfile.open(fileobj=buffer, mode='w', format=tarfile.PAX_FORMAT) as tar:
        for name, data in dict(sys_info=pickle.dumps({}), **files).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def nested_checkpoint(content):
    return zipped({'archive/data.pkl': zip_checkpoint(content), 'archive/version': '3'})


def npy(content):
    """An array of objects: a header and the pickle."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, dict(descr='|O', fortran_order=False, shape=()))
    return buffer.getvalue() + content


def npz(content, keys, arrays=()):
    """An npz file in which some arrays are of objects."""
    return zipped({f'{key}.npy': data for key, data in {**{key: npy(content) for key in keys}, **dict(arrays)}.items()})


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


CHECKPOINTS = (zip_checkpoint, legacy_checkpoint, tar_checkpoint, nested_checkpoint, bytes)


def test_the_corpus_would_run(corpus, canary, tmp_path):
    """With Python's own unpickler, every pickle of it; with PyTorch's, those in formats that it can read at all."""
    for name, content in corpus.items():
        pickle.loads(content)
        assert canary.exists(), name
        shutil.rmtree(canary) if canary.is_dir() else canary.unlink()
    for shell in (zip_checkpoint, legacy_checkpoint):
        (tmp_path / 'x.pth').write_bytes(shell(corpus['os.system']))
        torch.load(tmp_path / 'x.pth', weights_only=False)
        assert canary.exists()
        canary.unlink()


@pytest.fixture
def attack(corpus, canary, tmp_path):
    """Put every pickle into a file, which must be refused by its name while nothing runs."""

    def run(name, shell, read):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        for title, content in corpus.items():
            path.write_bytes(shell(content))
            with pytest.raises(InputError) as caught:
                read(path)
            assert not canary.exists(), title
            assert Path(name).name in str(caught.value) or path.parent.name in str(caught.value), title

    return run


def initialise(path):
    init_cfg = dict(type='Pretrained', checkpoint=str(path))
    MODELS.build(dict(type='TemporalConvNet', in_channels=4, channels=2, init_cfg=init_cfg)).init_weights()


@pytest.mark.filterwarnings('ignore:Detected pickle protocol')  # which PyTorch may not know, and says so
@pytest.mark.parametrize('shell', CHECKPOINTS, ids=lambda shell: shell.__name__)
@pytest.mark.parametrize(
    'read',
    [
        lambda path: load_from_file(str(path)),
        lambda path: CheckpointLoader.load_checkpoint(str(path), map_location='cpu'),
        lambda path: load_checkpoint(torch.nn.Linear(2, 2), str(path), map_location='cpu'),
        lambda path: check_checkpoint(torch.nn.Linear(2, 2), path),
        initialise,
        lambda path: convert_checkpoint(path, path.with_name('out.pth'), 'videopose3d'),
        lambda path: convert_checkpoint(path, path.with_name('out.pth'), 'mmpose'),
    ],
    ids=['ours', 'loader', 'mmengine', 'check', 'pretrained', 'videopose3d', 'mmpose'],
)
def test_checkpoints(attack, shell, read):
    attack('stranger.pth', shell, read)


@pytest.mark.parametrize(
    ('name', 'keys', 'read'),
    [
        ('cameras.pkl', None, load_cameras),
        ('predictions.pkl', None, read_predictions),
        ('boxes.npz', ['frame', 'bbox'], BoxFile),
        ('motion.npz', ['positions', 'clip', 'fps', 'subject'], read_clips),
        ('S1_Walking.1.npz', ['frames', 'keypoints'], lambda path: read_keypoints(path.parent, 'S1_Walking.1')),
        ('data_3d_h36m.npz', ['positions_3d'], read_poses),
        ('data_2d_h36m_x.npz', ['metadata', 'positions_2d'], read_detections),
    ],
)
def test_pickle_and_npz_files(attack, name, keys, read):
    attack(name, bytes if keys is None else lambda content: npz(content, keys), read)


@pytest.mark.parametrize('key', ['imgname', 'center', 'scale', 'part', 'S'])
def test_annotation(attack, data_root, key):
    folder = data_root / 'annotation_body3d'
    with zipfile.ZipFile(folder / 'fps50/h36m_test.npz') as whole:
        others = {name.removesuffix('.npy'): whole.read(name) for name in whole.namelist() if name != f'{key}.npy'}
    shell, cameras = (lambda content: npz(content, [key], others)), folder / 'cameras.pkl'
    attack('h36m_test.npz', shell, lambda path: H36MAnnotation(path, cameras))


def test_store(attack, data_root, tmp_path):
    folder = data_root / 'annotation_body3d'
    annotation = H36MAnnotation(folder / 'fps50/h36m_test.npz', folder / 'cameras.pkl')
    with write_sequence_store(tmp_path / 'store', annotation, 'annotation', {}) as writer:
        writer.write(np.arange(len(annotation)), np.zeros((len(annotation), 17, 3)), np.zeros((len(annotation), 17)))
    attack('store/keypoints.npy', npy, lambda path: SequenceStore(path.parent, annotation))


def test_pickles_that_grow(tmp_path):
    """A few hundred bytes that stand for 2^60 numbers cost no more than they hold."""
    doubled = (b'](h' + bytes([i]) + b'h' + bytes([i]) + b'eq' + bytes([i + 1]) for i in range(60))
    (tmp_path / 'cameras.pkl').write_bytes(b'\x80\x02]q\x00' + b''.join(doubled) + b'.')
    with pytest.raises(InputError, match=r'cameras\.pkl'):
        load_cameras(tmp_path / 'cameras.pkl')


UNSAFE = {
    *('pickle.load', 'pickle.loads', 'pickle.Unpickler', 'mmengine.load', 'yaml.load', 'joblib.load', 'eval', 'exec'),
    *('shelve.open', 'marshal.load', 'marshal.loads', 'pandas.read_pickle', 'os.system', 'shutil.unpack_archive'),
}


def unsafe_calls(text):
    """Calls that run what a file says, by name; of PyTorch's and NumPy's loaders those without their restriction."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name, given = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
            loads = name in ('torch.load', 'torch.hub.load_state_dict_from_url') and given.get('weights_only') != 'True'
            unpickles = name in ('np.load', 'numpy.load') and given.get('allow_pickle', 'False') != 'False'
            extracts = name.endswith(('.extract', '.extractall')) and given.get('filter') != "'data'"
            if name in UNSAFE or loads or unpickles or extracts:
                yield f'{node.lineno} {name}'


def test_nothing_else_loads_code():
    unsafe = 'pickle.load(f); torch.load(f); np.load(f, allow_pickle=True); tar.extract(m)'
    assert len(list(unsafe_calls(unsafe))) == 4
    files = [*ROOT.glob('depth_refine/**/*.py'), *ROOT.glob('tools/**/*.py')]
    assert [f'{file}:{call}' for file in files for call in unsafe_calls(file.read_text())] == []
    assert len(files) > 100
