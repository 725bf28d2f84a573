"""Which of Human3.6M's files a folder holds.

Files are known by the end of their paths, wherever they lie below the folder:
``S1/MyPoseFeatures/D2_Positions/Directions 1.54138969.cdf``, ``S1/MyPoseFeatures/D3_Positions_mono/...``,
``S1/Videos/Directions 1.54138969.mp4``, or with the folders ``S1/Poses_D2_Positions`` and
``S1/Poses_D3_Positions_mono``. All else is passed over, the recordings named ``_ALL`` included, which hold the frames
of the others once more.
"""

import os
import re
from pathlib import Path, PurePath
from typing import NamedTuple

from depth_refine.utils.errors import InputError

_KINDS = {
    'D2_Positions': '2D poses', 'Poses_D2_Positions': '2D poses', 'D3_Positions_mono': '3D poses',
    'Poses_D3_Positions_mono': '3D poses', 'Videos': 'video',
}  # fmt: skip
_SUFFIXES = {'2D poses': 'cdf', '3D poses': 'cdf', 'video': 'mp4'}
_FILE = re.compile(
    rf'(?:.*/)?[sS](?P<subject>\d+)/(?:[^/]+/)*?(?P<folder>{"|".join(_KINDS)})/'
    r'(?P<take>[^/_][^/]*)\.(?P<camera>\d+)\.(?P<suffix>cdf|mp4)'
)


class SequenceError(InputError):
    """The files of one sequence cannot be used; those of the others can."""


class SequenceKey(NamedTuple):
    """One video: one subject, take and camera."""

    subject: str  # S1
    take: str  # as in file names: 'Directions 1'
    camera: str  # 54138969

    @property
    def name(self) -> str:
        """As in image names: S1_Directions_1.54138969."""
        return f'{self.subject}_{self.take.replace(" ", "_")}.{self.camera}'

    def __str__(self) -> str:
        return f'{self.subject} {self.take}.{self.camera}'


class RawFile(NamedTuple):
    """What a file is."""

    key: SequenceKey
    kind: str  # '2D poses', '3D poses' or 'video'


def recognise(path: PurePath) -> RawFile | None:
    """What the file of this path is; nothing if it is none of those wanted."""
    match = _FILE.fullmatch(path.as_posix())
    if match is None or _SUFFIXES[_KINDS[match['folder']]] != match['suffix']:
        return None
    return RawFile(SequenceKey(f'S{match["subject"]}', match['take'], match['camera']), _KINDS[match['folder']])


def find_raw_files(folder: Path, without: Path | None = None) -> tuple[dict[RawFile, Path], list[Path]]:
    """Look through a folder.

    Args:
        folder: where to look.
        without: a folder below it to leave out.

    Returns:
        The files wanted and the paths of all files, in the order of their names. Of two files for the same, the first.
    """
    found: dict[RawFile, Path] = {}
    paths = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if name[0] != '.' and Path(parent, name) != without)
        for path in (Path(parent, name) for name in sorted(names)):
            paths.append(path)
            file = recognise(path.relative_to(folder))
            if file is not None:
                found.setdefault(file, path)
    return found, paths
