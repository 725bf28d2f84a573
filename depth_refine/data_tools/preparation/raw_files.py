"""Human3.6M's files in a folder and in the archives in it.

Files are recognised by the end of their paths, wherever they lie below the folder:
``S1/MyPoseFeatures/D2_Positions/Directions 1.54138969.cdf``, ``S1/MyPoseFeatures/D3_Positions_mono/...``,
``S1/Videos/Directions 1.54138969.mp4``, or with the folders ``S1/Poses_D2_Positions`` and
``S1/Poses_D3_Positions_mono``. All other files are ignored, as are the recordings named ``_ALL``, which repeat the
frames of the others.
"""

import gzip
import lzma
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath
from typing import NamedTuple

from tqdm import tqdm

from depth_refine.utils.atomic import whole_folder
from depth_refine.utils.errors import InputError

_FOLDERS = {'2D poses': 'D2_Positions', '3D poses': 'D3_Positions_mono', 'video': 'Videos'}
_KINDS = {folder: kind for kind, folder in _FOLDERS.items()}
_FILE = re.compile(
    r'(?:.*/)?[sS](?P<subject>\d+)/(?:[^/]+/)*?'
    r'(?:(?:Poses_)?(?P<poses>D2_Positions|D3_Positions_mono)|(?P<videos>Videos))/'
    r'(?P<take>[^/_.][^/]*)\.(?P<camera>\d+)\.(?(poses)cdf|mp4)'
)
_ARCHIVES = ('.tgz', '.tar.gz', '.tar')
_MARGIN = 1.3  # unpacked size relative to the packed one
_MOST_RATIO, _ALWAYS_ALLOWED = 100, 1 << 24  # times the packed size; bytes. Larger archives are meant to fill disks


class SequenceError(InputError):
    """The files of one sequence cannot be used; other sequences are not affected."""


class SequenceKey(NamedTuple):
    """One video: one subject, take and camera."""

    subject: str  # S1
    take: str  # as in file names: 'Directions 1'
    camera: str  # 54138969

    @property
    def name(self) -> str:
        """The name as in image names: S1_Directions_1.54138969."""
        return f'{self.subject}_{self.take.replace(" ", "_")}.{self.camera}'

    def __str__(self) -> str:
        return f'{self.subject} {self.take}.{self.camera}'


RawFile = tuple[SequenceKey, str]  # the video of a file, and its kind: '2D poses', '3D poses' or 'video'


def recognise(path: PurePath) -> RawFile | None:
    """The video and kind of the file at a path; None if it is not one of Human3.6M's."""
    match = _FILE.fullmatch(path.as_posix())
    if match is None:
        return None
    key = SequenceKey(f'S{match["subject"]}', match['take'], match['camera'])
    return key, _KINDS[match['poses'] or match['videos']]


def find_raw_files(folder: Path, without: Path | None = None) -> tuple[dict[RawFile, Path], list[Path]]:
    """Human3.6M's files below ``folder`` but not below ``without``, and the sorted paths of all files.

    If two files are the same video and kind, the first one counts. Hidden files, such as macOS's ``._x.cdf`` beside
    ``x.cdf``, are left out.
    """
    found: dict[RawFile, Path] = {}
    paths = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if name[0] != '.' and Path(parent, name) != without)
        for path in (Path(parent, name) for name in sorted(names) if name[0] != '.'):
            paths.append(path)
            file = recognise(path.relative_to(folder))
            if file is not None:
                found.setdefault(file, path)
    return found, paths


def archives_among(paths: Iterable[Path], kinds: Collection[str]) -> list[Path]:
    """The archives with files of some kinds, by their names: ``Poses_D2_Positions_S1.tgz``, ``s1/Videos.tgz``."""
    archives = [path for path in paths if path.name.endswith(_ARCHIVES) and 'universal' not in path.name]
    return [path for path in archives if any(_FOLDERS[kind] in path.name for kind in kinds)]


def unpack(archives: Iterable[Path], raw: Path, folder: Path, already: Collection[RawFile]) -> dict[RawFile, Path]:
    """Unpack Human3.6M's files of some archives below ``raw`` into ``folder``, without those of ``already``.

    Each archive gets a folder, which appears when it is complete; an archive that has one is not unpacked again.

    Returns:
        The unpacked files.

    Raises:
        InputError: an archive is damaged, would write outside its folder or unpacks to far more than its size, or the
            disk is too full.
    """
    # the size in the folder's name tells a new download from a damaged one
    targets = {path: folder / f'{"_".join(path.relative_to(raw).parts)}-{path.stat().st_size}' for path in archives}
    todo = {archive: target for archive, target in targets.items() if not target.exists()}
    packed = sum(archive.stat().st_size for archive in todo)
    free = shutil.disk_usage(folder.parent).free
    if free < _MARGIN * packed:
        raise InputError(
            f'unpacking {len(todo)} archives takes about {_MARGIN * packed / 1e9:.1f} GB in {folder}, where '
            f'{free / 1e9:.1f} GB are free: write to another disk'
        )
    with tqdm(total=packed, unit='B', unit_scale=True, desc='unpacking', disable=not todo) as progress:
        for archive, target in todo.items():
            _unpack_one(archive, target, already, progress)
    found: dict[RawFile, Path] = {}
    for target in targets.values():
        found = find_raw_files(target)[0] | found
    return found


def _unpack_one(archive: Path, target: Path, already: Collection[RawFile], progress: tqdm) -> None:
    start, size = progress.n, 0
    allowed = max(_MOST_RATIO * archive.stat().st_size, _ALWAYS_ALLOWED)
    try:
        with whole_folder(target) as partial, archive.open('rb') as file, tarfile.open(fileobj=file) as tar:
            for member in tar:
                recognised = recognise(PurePath(member.name))
                if member.isfile() and recognised is not None and recognised not in already:
                    size += member.size
                    if size > allowed:
                        raise InputError(
                            f'{archive} is not one of Human3.6M: it would unpack to {size / 1e6:.0f} MB or more, over '
                            f'{_MOST_RATIO} times its size. Download it again from the official site.'
                        )
                    tar.extract(member, partial, filter='data')
                progress.update(start + file.tell() - progress.n)
            while tar.fileobj.read(1 << 20):  # up to the checksum at the end
                pass
    except tarfile.FilterError as error:
        raise InputError(f'{archive} is not one of Human3.6M: {error}') from error
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        reason = str(error).partition('\n')[0].rstrip(':')
        raise InputError(f'{archive} is damaged ({reason}): download it again') from error
