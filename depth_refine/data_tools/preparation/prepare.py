"""From Human3.6M's official files to MMPose's layout."""

import errno
import os
import pickle
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from depth_refine.datasets.annotation_writer import AnnotatedSequence, write_annotation
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import SPLITS

from .archives import archives_among, unpack
from .frames import VideoError, store_frames
from .inspection import Inspected, inspect_sequence
from .metadata import read_cameras, read_takes
from .raw_h36m import RawFile, SequenceError, SequenceKey, find_raw_files
from .report import Report
from .sequence_jobs import run_jobs
from .workspace import open_workspace

REPORT_NAME = 'preparation_report.txt'
_FRAME_RATE = 50
_IMAGE_MARGIN, _FILE_BYTES, _ROW_BYTES = 1.25, 2048, 1300  # over first frames' sizes; a file's and a row's overhead
_WHAT_IS_EXPECTED = (
    'expected the archives Poses_D2_Positions_S1.tgz, Poses_D3_Positions_mono_S1.tgz, Videos_S1.tgz and so on, or '
    'S1/MyPoseFeatures/D2_Positions/*.cdf, S1/MyPoseFeatures/D3_Positions_mono/*.cdf, S1/Videos/*.mp4 and so on'
)


def prepare_h36m(
    raw: str | Path,
    out: str | Path,
    steps: Sequence[int] = (1, 5),
    images: bool = True,
    crops: bool = False,
    workers: int | None = None,
) -> Report:
    """Write annotations and images in MMPose's layout from Human3.6M's official files.

    ``out/annotation_body3d`` gets ``cameras.pkl`` and, for each step, ``fps<50 / step>/h36m_{train,test}.npz``;
    ``out/images`` a folder for each sequence; ``out/preparation_report.txt`` is the report. Everything appears when it
    is complete. A run after one that was stopped goes on with what is missing, and gives the same files.

    A sequence whose files are damaged, incomplete or do not fit together is left out and listed in the report.

    Args:
        raw: folder with ``metadata.xml`` and the archives or what they hold, see :mod:`.raw_h36m`. Of a file that is
            there both ways, the one not in an archive is used.
        out: the folder to write to.
        steps: annotate every n-th frame, for each n. Images are made of the frames that any of them needs.
        images: write images. Without, videos are not needed.
        crops: the part of each frame around the person, see :mod:`.crops`, instead of full frames.
        workers: processes (default: one for each core). With more than one, call this under
            ``if __name__ == '__main__':`` as the processes import the calling script.

    Raises:
        InputError: ``raw`` holds no metadata or no subject, an archive is damaged, ``out`` is in use or begun with
            images of another kind, or the disk is too full.
    """
    raw, out, steps = Path(raw).absolute(), Path(out).absolute(), sorted(set(steps))
    if steps[0] < 1:
        raise InputError(f'expected steps of 1 or more, got {steps[0]}')
    if not raw.is_dir():
        raise InputError(f'no folder {raw}: {_WHAT_IS_EXPECTED}')
    found, paths = find_raw_files(raw, without=out)
    archives = archives_among(paths, ['2D poses', '3D poses', *(['video'] if images else [])])
    if not found and not archives:
        raise InputError(f"{raw} holds none of Human3.6M's files: {_WHAT_IS_EXPECTED}")
    metadata = next((path for path in paths if path.name == 'metadata.xml'), None)
    if metadata is None:
        raise InputError(f"no metadata.xml in {raw}: it comes with the code on Human3.6M's web site; put it there")
    cameras, takes = read_cameras(metadata), read_takes(metadata)
    try:
        with open_workspace(out, 'person crops' if crops else 'full frames', images) as workspace:
            found = unpack(archives, raw, workspace / 'unpacked', found) | found
            report = Report(takes, sorted({camera for _, camera in cameras}))
            _prepare(found, cameras, out, steps, images, crops, workers or os.cpu_count() or 1, report)
            shutil.rmtree(workspace / 'unpacked', ignore_errors=True)
    except BrokenProcessPool as error:
        raise InputError('a worker process was killed, perhaps for want of memory: take fewer --workers') from error
    except OSError as error:
        full = 'the disk is full: make room' if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error)
        raise InputError(f'stopped, {full}. What is finished in {out} stays; run again to go on.') from error
    return report


def _prepare(
    found: Mapping[RawFile, Path],
    cameras: dict,
    out: Path,
    steps: list[int],
    images: bool,
    crops: bool,
    workers: int,
    report: Report,
) -> None:
    """Write everything and fill the report."""
    chosen = _choose(found, cameras, images, report)
    inspected: dict[SequenceKey, Inspected] = run_jobs(
        inspect_sequence,
        {key: (files, cameras[key.subject, key.camera], crops) for key, files in chosen.items()},
        dict.fromkeys(chosen, 1),
        workers,
        report.leave_out,
        desc='poses',
        unit='sequence',
    )
    if images:
        numbers = {key: _numbers(len(sequence.poses_2d), steps) for key, sequence in inspected.items()}
        _check_space(out, inspected, numbers, crops)
        frames = run_jobs(
            store_frames,
            {
                key: (chosen[key]['video'], out / 'images', key.name, len(s.poses_2d), numbers[key], s.crops)
                for key, s in inspected.items()
            },
            {key: len(those) for key, those in numbers.items()},
            workers,
            report.leave_out,
            desc='images',
            unit='image',
        )
    else:
        frames = {key: len(sequence.poses_2d) for key, sequence in inspected.items()}
    for key, count in frames.items():
        report.add(key, inspected[key], count)
    _write_annotations(out / 'annotation_body3d', cameras, inspected, frames, steps)
    with whole_file(out / REPORT_NAME) as partial:
        partial.write_text(f'{report}\n')


def _choose(
    found: Mapping[RawFile, Path], cameras: dict, images: bool, report: Report
) -> dict[SequenceKey, dict[str, Path]]:
    """The files of each sequence that has all it needs, in the order of subjects, takes and cameras."""
    files_of: dict[SequenceKey, dict[str, Path]] = {}
    for (key, kind), path in found.items():
        files_of.setdefault(key, {})[kind] = path
    wanted = ['2D poses', '3D poses', *(['video'] if images else [])]
    chosen = {}
    for key in report.expected:
        files = files_of.pop(key, {})
        missing = [kind for kind in wanted if kind not in files]
        if not missing:
            chosen[key] = {kind: files[kind] for kind in wanted}
        elif any(kind in files for kind in wanted):
            error = VideoError if missing == ['video'] else SequenceError
            report.leave_out(key, error(f'no {" and no ".join(missing)}'))
    for key in files_of:
        if key.subject in report.subjects:
            what = 'camera' if (key.subject, key.camera) not in cameras else 'take'
            report.leave_out(key, SequenceError(f'metadata.xml has no such {what}'))
    return chosen


def _numbers(frames: int, steps: list[int]) -> list[int]:
    """The numbers, from 1, of the frames that some step needs."""
    return sorted({number for step in steps for number in range(1, frames + 1, step)})


def _check_space(
    out: Path, inspected: Mapping[SequenceKey, Inspected], numbers: Mapping[SequenceKey, list[int]], crops: bool
) -> None:
    todo = [key for key in inspected if not (out / 'images' / key.subject / key.name).exists()]
    images = sum(len(numbers[key]) for key in todo)
    image_bytes = sum(len(numbers[key]) * inspected[key].video.image_bytes for key in todo)
    needed = _IMAGE_MARGIN * image_bytes + _FILE_BYTES * images
    needed += 2 * _ROW_BYTES * sum(len(sequence.poses_2d) for sequence in inspected.values())
    free = shutil.disk_usage(out).free
    if images and free < needed:
        kind = 'person crops' if crops else 'full frames'
        raise InputError(
            f'{images} {kind} of about {image_bytes / images / 1000:.0f} kB and their annotation need up to '
            f'{needed / 1e9:.1f} GB in {out}, where {free / 1e9:.1f} GB are free: write to another disk, store '
            '--crops, or take larger steps (--step 5)'
        )


def _write_annotations(
    folder: Path,
    cameras: dict,
    inspected: Mapping[SequenceKey, Inspected],
    frames: Mapping[SequenceKey, int],
    steps: list[int],
) -> None:
    with whole_file(folder / 'cameras.pkl') as partial:
        partial.write_bytes(pickle.dumps(cameras, protocol=4))
    for step in steps:
        for split, subjects in SPLITS.items():
            sequences = [
                _annotate(key, inspected[key], np.arange(0, count, step))
                for key, count in frames.items()
                if key.subject in subjects
            ]
            if sequences:
                write_annotation(folder / f'fps{_FRAME_RATE / step:g}' / f'h36m_{split}.npz', sequences)


def _annotate(key: SequenceKey, sequence: Inspected, rows: np.ndarray) -> AnnotatedSequence:
    crops = None if sequence.crops is None else sequence.crops.windows[rows]
    return AnnotatedSequence(key.name, rows + 1, sequence.poses_2d[rows], sequence.poses_3d[rows], crops)
