"""The output folder of a preparation: its lock, its space, and its annotations."""

import errno
import pickle
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from depth_refine.datasets.annotation_writer import AnnotatedSequence, write_annotation
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import SPLITS

from .pose_statistics import write_pose_statistics
from .raw_files import SequenceKey
from .sequences import Inspected

_FRAME_RATE = 50
_FOLDER = '.preparation'
_IMAGE_MARGIN = 1.25  # mean size of images relative to first frames, at most
_FILE_BYTES, _ROW_BYTES = 2048, 1300  # overhead of an image file, and size of an annotation's row


def require_apart(raw: Path, out: Path) -> None:
    """Refuse (``InputError``) the folder of the downloads as output."""
    if raw.resolve() == out.resolve():
        raise InputError(f'{out} is the folder of the downloads: write to a folder of its own')


@contextmanager
def explained_stops(out: Path) -> Iterator[None]:
    """Turn what stops a preparation into an error that says why, and that the same command continues.

    Raises:
        InputError: instead of the error of a full disk, another error of the system, or the end of a worker process.
    """
    try:
        yield
    except BrokenProcessPool as error:
        raise InputError('a worker process was killed, perhaps for lack of memory: use fewer --workers') from error
    except OSError as error:
        full = 'the disk is full: make room' if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error)
        raise InputError(f'stopped, {full}. What is finished in {out} stays; run again to continue.') from error


@contextmanager
def open_workspace(out: Path, image_kind: str, makes_images: bool) -> Iterator[Path]:
    """Lock an output folder for this run, and clear what killed runs left half-written there.

    The folder records its ``image_kind``, ``'full frames'`` or ``'person crops'``, which cannot be mixed.

    Yields:
        A hidden folder in ``out`` for intermediate files.

    Raises:
        InputError: the folder cannot be made, another run works on it, or it holds images of another kind.
    """
    folder = out / _FOLDER
    lock = FileLock(folder / 'lock', timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = lock.acquire()
    except Timeout as error:
        raise InputError(f'another run is preparing {out}: wait for its end, or give another folder') from error
    except OSError as error:
        raise InputError(f'{folder} cannot be made: {error.strerror}') from error
    with held:
        _check_kind(out, folder / 'image_kind', image_kind, makes_images)
        _clear(out)
        try:
            yield folder
        finally:
            _clear(out)  # what killed worker processes left


def _check_kind(out: Path, note: Path, image_kind: str, makes_images: bool) -> None:
    if note.exists():
        noted = note.read_text(encoding='utf-8')
        if noted != image_kind:
            raise InputError(f'{out} was begun with {noted}, not with {image_kind}: give another folder')
    elif makes_images and (out / 'images').exists():
        raise InputError(f'{out / "images"} was not made by this tool: give another folder')
    else:
        with whole_file(note) as partial:
            partial.write_text(image_kind, encoding='utf-8')


def _clear(out: Path) -> None:
    for folder in ('images/*/', f'{_FOLDER}/*/', 'annotation_body3d/', 'annotation_body3d/*/'):
        for path in out.glob(f'{folder}.*.partial*'):
            shutil.rmtree(path)


def check_space(out: Path, inspected: dict[SequenceKey, Inspected], numbers: dict, image_kind: str, fewer: str) -> None:
    """Check that the disk has space for images and annotations.

    Args:
        out: the output folder.
        inspected: the sequences, whose first frames give the images' size.
        numbers: of the frames to store, for each sequence.
        image_kind: of images, for the message.
        fewer: how to ask for fewer images, for the message.

    Raises:
        InputError: there is less free space than sequences without images may need.
    """
    todo = [key for key in inspected if not (out / 'images' / key.subject / key.name).exists()]
    images = sum(len(numbers[key]) for key in todo)
    image_bytes = sum(len(numbers[key]) * inspected[key].video.image_bytes for key in todo)
    needed = _IMAGE_MARGIN * image_bytes + _FILE_BYTES * images
    needed += 2 * _ROW_BYTES * sum(len(sequence.poses_2d) for sequence in inspected.values())
    free = shutil.disk_usage(out).free
    if images and free < needed:
        raise InputError(
            f'{images} {image_kind} of about {image_bytes / images / 1000:.0f} kB and their annotation need up to '
            f'{needed / 1e9:.1f} GB in {out}, where {free / 1e9:.1f} GB are free: write to another disk, store '
            f'--crops, or {fewer}'
        )


def checked_steps(steps: Iterable[int]) -> list[int]:
    """The steps between annotated frames, sorted and without duplicates; raises an InputError if one is below 1."""
    if min(steps) < 1:
        raise InputError(f'expected steps of 1 or more, got {min(steps)}')
    return sorted(set(steps))


def write_annotations(folder: Path, cameras: dict, sequences: list[AnnotatedSequence], steps: list[int]) -> None:
    """Write ``cameras.pkl``, and for each n of ``steps`` annotations and pose statistics of every n-th frame."""
    write_cameras(folder, cameras)
    for step in steps:
        if training := by_split(sequences).get('train'):
            write_pose_statistics(annotation_file(folder, 'train', step).parent, training, step)
        for split, those in by_split(sequences).items():
            every_nth = [
                AnnotatedSequence(s.name, *(array if array is None else array[::step] for array in s[1:5]))
                for s in those
            ]
            write_annotation(annotation_file(folder, split, step), every_nth, _FRAME_RATE / step)


def write_cameras(folder: Path, cameras: dict) -> None:
    """Write ``cameras.pkl``, see :mod:`depth_refine.functional.camera`."""
    with whole_file(folder / 'cameras.pkl') as partial:
        partial.write_bytes(pickle.dumps(cameras, protocol=4))


def annotation_file(folder: Path, split: str, step: int) -> Path:
    """The path, in ``annotation_body3d``, of the annotation of every ``step``-th frame."""
    return folder / f'fps{_FRAME_RATE / step:g}' / f'h36m_{split}.npz'


def by_split(sequences: Iterable[AnnotatedSequence]) -> dict[str, list[AnnotatedSequence]]:
    """The sequences of each split, without empty splits."""
    splits = {
        split: [sequence for sequence in sequences if sequence.name.split('_')[0] in subjects]
        for split, subjects in SPLITS.items()
    }
    return {split: those for split, those in splits.items() if those}
