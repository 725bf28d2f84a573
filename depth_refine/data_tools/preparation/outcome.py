"""The outcome of each sequence of a preparation; as text, the content of ``preparation_report.txt``."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from depth_refine.utils.h36m_facts import OFFICIAL_FRAMES, S11_DIRECTIONS_FRAMES, SPLITS
from depth_refine.utils.h36m_names import action_of

from .frames import MOST_LOST, VideoError, VideoSample
from .raw_files import SequenceError, SequenceKey

KNOWN_DAMAGE = SequenceKey('S11', 'Directions', '54138969')  # its official video is damaged
_MOST_LISTED = 5
_RULE = f"""\
Rule for lengths: the frames of a sequence are those that 2D poses, 3D poses and video all have, counted from the first.
Videos may be longer. A sequence that loses up to {MOST_LOST} poses (1 s at 50 frames a second) by this rule is
shortened and listed; one that would lose more counts as damaged and is left out."""


class Outcome(ABC):
    """What one run prepared and left out.

    A subclass adds the tables of its data set: ``_tables``, a title and tables of frames, and ``_counts``.

    Attributes:
        expected: the videos of the whole data set, in the order of the annotation.
        frames: number of frames of each video that was prepared.
        errors: reasons why videos were left out, though files of them exist.
        notes: sentences on other videos.
    """

    def __init__(self, expected: Sequence[Hashable]) -> None:
        self.expected = expected
        self.frames: dict[Hashable, int] = {}
        self.errors: dict[Hashable, str] = {}
        self.notes: dict[Hashable, str] = {}
        self._videos: dict[Hashable, VideoSample] = {}

    def leave_out(self, key: Hashable, error: SequenceError) -> None:
        """Record a video that is left out."""
        self.errors[key] = str(error)

    def add(self, key: Hashable, sequence: Any, frames: int) -> None:
        """Record a video that was prepared, with the number of its frames; ``sequence`` is its :class:`.Inspected`."""
        self.frames[key], poses = frames, len(sequence.poses_2d)
        shortened = f'the video has {frames} of {poses} frames: it is shortened to these' if frames < poses else None
        if texts := [text for text in (sequence.note, shortened) if text]:
            self.notes[key] = '; '.join(texts)
        if sequence.video is not None:
            self._videos[key] = sequence.video

    def __str__(self) -> str:
        left_out, notes = _list('Left out', self.errors), _list('Notes', self.notes)
        parts = [*self._tables(), self._counts(), [_RULE], left_out, notes, self._longer_videos(), self._crops()]
        return '\n\n'.join('\n'.join(part) for part in parts if part)

    @abstractmethod
    def _tables(self) -> list[list[str]]:
        """A title and tables of frames."""

    @abstractmethod
    def _counts(self) -> list[str]:
        """A table that compares frames with the official numbers."""

    def _cell(self, key: Hashable) -> str:
        return str(self.frames[key]) if key in self.frames else 'x' if key in self.errors | self.notes else '-'

    def _longer_videos(self) -> list[str]:
        longer = {key: video.frames - self.frames[key] for key, video in self._videos.items()}
        longer = {key: frames for key, frames in longer.items() if frames > 0}
        most = sorted(longer, key=longer.get, reverse=True)[:_MOST_LISTED]
        title = f'Videos that go on after the last pose: {len(longer)}{", most of all" if most else ""}'
        return [title, *(f'  {key}: by {longer[key]} frames' for key in most)]

    def _crops(self) -> list[str]:
        videos = self._videos.values()
        crops, full = sum(video.image_bytes for video in videos), sum(video.full_bytes for video in videos)
        if crops == full:
            return []
        sizes = f'{crops / len(videos) / 1000:.0f} kB each, full frames {full / len(videos) / 1000:.0f} kB'
        less = f'{100 - 100 * crops / full:.0f} % less'
        return [f'Person crops take {sizes} (first frames of {len(videos)} videos): {less}.']


class H36MOutcome(Outcome):
    """What one run prepared and left out of Human3.6M: the ``takes`` of each subject, seen by the ``cameras``."""

    subjects = tuple(subject for split in SPLITS.values() for subject in split)

    def __init__(self, takes: Mapping[str, list[str]], cameras: Sequence[str]) -> None:
        self.takes = {subject: takes.get(subject, []) for subject in self.subjects}
        self.cameras = cameras
        takes_of = [(subject, take) for subject, names in self.takes.items() for take in names]
        super().__init__([SequenceKey(*take, camera) for take in takes_of for camera in cameras])

    def leave_out(self, key: SequenceKey, error: SequenceError) -> None:
        """Record a sequence that is left out, as a note if its official video is known to be damaged."""
        if key == KNOWN_DAMAGE and isinstance(error, VideoError):
            self.notes[key] = f'left out, as its video is known to be damaged: {error}'
        else:
            super().leave_out(key, error)

    def _tables(self) -> list[list[str]]:
        """A title, and for each subject a table of actions by cameras, with the frames of each take."""
        tables = [['Frames prepared at 50 fps, take by take; "-": no files, "x": left out']]
        for subject, takes in self.takes.items():
            rows: dict[str, list[list[str]]] = {}
            for take in takes:
                cells = [self._cell(SequenceKey(subject, take, camera)) for camera in self.cameras]
                rows.setdefault(action_of(f'{subject}_{take}.'), []).append(cells)
            lines = [f'{subject:<14}' + ''.join(f'{camera:>14}' for camera in self.cameras)]
            absent = [action for action in rows if {cell for cells in rows[action] for cell in cells} == {'-'}]
            for action in (action for action in rows if action not in absent):
                columns = zip(*rows[action], strict=True)
                lines.append(f'{action:<14}' + ''.join(f'{" + ".join(column):>14}' for column in columns))
            if absent:
                lines.append(f'no files of {", ".join(absent) if len(absent) < len(rows) else "any action"}')
            tables.append(lines)
        return tables

    def _counts(self) -> list[str]:
        """A table with the frames of each group of subjects beside the official ones."""
        lines = [f'{"subjects":<14}{"sequences":>14}{"frames":>14}{"official":>14}']
        for subjects, official in OFFICIAL_FRAMES.items():
            expected = [key for key in self.expected if key.subject in subjects]
            found = [key for key in expected if key in self.frames]
            frames = sum(self.frames[key] for key in found)
            if set(expected) - set(found) == {KNOWN_DAMAGE}:
                official -= S11_DIRECTIONS_FRAMES
                expected = found
            difference = 'as it should be' if frames == official else f'{frames - official:+,} frames'
            verdict = difference if found == expected else f'sequences missing: {len(expected) - len(found)}'
            lines.append(f'{" ".join(subjects):<14}{len(found):>14}{frames:>14,}{official:>14,}  {verdict}')
        return lines


def _list(title: str, sequences: Mapping[Hashable, str]) -> list[str]:
    return [f'{title}: {len(sequences)} sequences', *(f'  {key}: {sequences[key]}' for key in sorted(sequences))]
