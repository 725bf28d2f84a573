"""What a run of the preparation needs in its output folder beside the results."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError

_FOLDER = '.preparation'


@contextmanager
def open_workspace(out: Path, image_kind: str, makes_images: bool) -> Iterator[Path]:
    """Keep an output folder for this run alone, and clear what killed runs left half-written there.

    The folder notes which kind of images its annotations belong to, full frames or crops; one kind is not added to
    the other.

    Args:
        out: made if missing.
        image_kind: ``'full frames'`` or ``'person crops'``.
        makes_images: will the run write images?

    Yields:
        A hidden folder in ``out`` for intermediate files.

    Raises:
        InputError: the folder cannot be made, another run works on it, or it holds images of another kind.
    """
    folder = out / _FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f'{folder} cannot be made: {error.strerror}') from error
    with open(folder / 'lock', 'w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f'another run is preparing {out}: wait for its end, or give another folder') from error
        _check_kind(out, folder / 'image_kind', image_kind, makes_images)
        _clear(out)
        try:
            yield folder
        finally:
            _clear(out)  # what ended worker processes left


def _check_kind(out: Path, note: Path, image_kind: str, makes_images: bool) -> None:
    if note.exists():
        noted = note.read_text()
        if noted != image_kind:
            raise InputError(f'{out} was begun with {noted}, not with {image_kind}: give another folder')
    elif makes_images and (out / 'images').exists():
        raise InputError(f'{out / "images"} was not made by this tool: give another folder')
    else:
        with whole_file(note) as partial:
            partial.write_text(image_kind)


def _clear(out: Path) -> None:
    for folder in ('images/*/', f'{_FOLDER}/*/', 'annotation_body3d/', 'annotation_body3d/*/'):
        for path in out.glob(f'{folder}.*.partial*'):
            shutil.rmtree(path)
