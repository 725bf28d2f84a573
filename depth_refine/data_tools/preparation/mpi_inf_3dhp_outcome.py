"""The outcome of each video of MPI-INF-3DHP; as text, the content of ``preparation_report.txt``."""

from collections.abc import Hashable
from typing import Any

from .mpi_inf_3dhp_facts import CAMERAS, RECORDINGS, TEST_SETS
from .mpi_inf_3dhp_videos import VideoKey
from .outcome import Outcome

_CAMERAS = [f'Cam{number}' for number in CAMERAS]
_SEQUENCES = [VideoKey(*names) for names in RECORDINGS]


class MPIINF3DHPOutcome(Outcome):
    """What one run prepared and left out of MPI-INF-3DHP.

    Args:
        test_sets: whether the test sets are prepared, too.

    Attributes:
        annotations: numbers of videos and frames of each annotation, by its path below ``annotation_body3d``.
    """

    def __init__(self, test_sets: bool) -> None:
        self._test_sets = [VideoKey(name) for name in TEST_SETS] if test_sets else []
        videos = [key._replace(camera=camera) for key in _SEQUENCES for camera in _CAMERAS]
        super().__init__([*videos, *self._test_sets])
        self.annotations: dict[str, tuple[int, int]] = {}
        self._evaluated: dict[Hashable, int] = {}

    def add(self, key: Hashable, sequence: Any, frames: int) -> None:
        """Record a video that was prepared, with the number of its frames."""
        super().add(key, sequence, frames)
        if sequence.evaluated is not None:
            self._evaluated[key] = int(sequence.evaluated[:frames].sum())

    def _tables(self) -> list[list[str]]:
        title = ['Frames prepared, at the rate of their videos; "-": no files, "x": left out']
        training = [f'{"training set":<14}' + ''.join(f'{name:>8}' for name in (*_CAMERAS, 'official', 'rate'))]
        for key in _SEQUENCES:
            lost = 'x' if key in self.errors else ''
            cells = [lost or self._cell(key._replace(camera=camera)) for camera in _CAMERAS]
            official = RECORDINGS[key.subject, key.sequence]
            training.append(f'{key!s:<14}' + ''.join(f'{cell:>8}' for cell in (*cells, *official)))
        test = [
            f'{"test set":<14}' + ''.join(f'{name:>10}' for name in ('frames', 'official', 'evaluated', 'official'))
        ]
        for key in self._test_sets:
            official = TEST_SETS[key.subject]
            cells = (self._cell(key), official.frames, self._evaluated.get(key, '-'), official.valid)
            test.append(f'{key!s:<14}' + ''.join(f'{cell:>10}' for cell in cells))
        return [title, training, test] if self._test_sets else [title, training]

    def _counts(self) -> list[str]:
        lines = [f'{path:<48}{videos:>7}{frames:>12,}' for path, (videos, frames) in sorted(self.annotations.items())]
        return [f'{"annotation":<48}{"videos":>7}{"frames":>12}', *lines] if lines else []
