"""Unpacks the archives in which Human3.6M's files come."""

import gzip
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath

from tqdm import tqdm

from depth_refine.utils.atomic import whole_folder
from depth_refine.utils.errors import InputError

from .raw_h36m import RawFile, find_raw_files, recognise

_SUFFIXES = ('.tgz', '.tar.gz', '.tar')
_NAMES = {'2D poses': 'D2_Positions', '3D poses': 'D3_Positions_mono', 'video': 'Videos'}
_MARGIN = 1.3  # of the unpacked over the packed size
_MOST_RATIO, _ALWAYS_ALLOWED = 100, 1 << 24  # of the packed size; bytes. More is made to fill disks


def archives_among(paths: Iterable[Path], kinds: Collection[str]) -> list[Path]:
    """The archives with files of some kinds, by their names: ``Poses_D2_Positions_S1.tgz``, ``s1/Videos.tgz``."""
    return [
        path
        for path in paths
        if path.name.endswith(_SUFFIXES)
        and any(_NAMES[kind] in path.name for kind in kinds)
        and 'universal' not in path.name
    ]


def unpack(archives: Iterable[Path], raw: Path, folder: Path, already: Collection[RawFile]) -> dict[RawFile, Path]:
    """Unpack what is wanted of some archives.

    Each archive gets a folder which appears when it is complete; an archive that has one is not unpacked again.

    Args:
        archives: below ``raw``.
        raw: the folder of the data set.
        folder: where to unpack.
        already: files that are not needed.

    Returns:
        The files unpacked.

    Raises:
        InputError: an archive is damaged, would write outside its folder or unpacks to far more than its size, or the
            disk is too full.
    """
    # The size tells a new download of the same name from one that was damaged.
    targets = {
        archive: folder / f'{"_".join(archive.relative_to(raw).parts)}-{archive.stat().st_size}' for archive in archives
    }
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
                            f'{_MOST_RATIO} times its size. Download it again from the owners.'
                        )
                    tar.extract(member, partial, filter='data')
                progress.update(start + file.tell() - progress.n)
            while tar.fileobj.read(1 << 20):  # to the end, where the checksum is
                pass
    except tarfile.FilterError as error:
        raise InputError(f'{archive} is not one of Human3.6M: {error}') from error
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        reason = str(error).partition('\n')[0].rstrip(':')
        raise InputError(f'{archive} is damaged ({reason}): download it again') from error
