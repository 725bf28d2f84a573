"""Human3.6M's official files, converted to MMPose's layout."""

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from depth_refine.datasets.annotation_writer import AnnotatedSequence
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError
from depth_refine.utils.parallel import worker_count

from .frames import VideoError, store_frames
from .metadata import read_cameras, read_takes
from .outcome import H36MOutcome
from .output import check_space, checked_steps, explained_stops, open_workspace, require_apart, write_annotations
from .raw_files import RawFile, SequenceError, SequenceKey, archives_among, find_raw_files, unpack
from .sequences import Inspected, inspect_sequence, run_jobs

REPORT_NAME = 'preparation_report.txt'
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
) -> H36MOutcome:
    """Write annotations and images in MMPose's layout from Human3.6M's official files.

    ``out/annotation_body3d`` gets ``cameras.pkl`` and, for each step, ``fps<50 / step>/h36m_{train,test}.npz`` and the
    training poses' statistics, see :mod:`.pose_statistics`. ``out/images`` gets a folder for each sequence.
    ``out/preparation_report.txt`` lists what was prepared. A sequence whose files are damaged, incomplete or do not fit
    together is left out and listed there.

    Everything appears when it is complete. After a run that was stopped, the next one continues, and gives the same
    files.

    Args:
        raw: folder with ``metadata.xml`` and the archives or their contents, see :mod:`.raw_files`. A file outside an
            archive is preferred to the one inside.
        out: the folder to write to.
        steps: annotate every n-th frame, for each n. Images are written for the frames that any of them needs.
        images: whether to write images; if not, videos are not needed.
        crops: store the part of each frame around the person, see :mod:`.frames`, instead of full frames.
        workers: number of processes (default: one for each core). They import the calling script: guard its
            ``__main__``.

    Returns:
        What was prepared and left out.

    Raises:
        InputError: ``raw`` has no metadata or no subject, an archive is damaged, ``out`` contains ``raw``, is in use or
            has images of another kind, the disk is too full, or ``workers`` is not positive.
    """
    raw, out, steps = Path(raw).absolute(), Path(out).absolute(), checked_steps(steps)
    if not raw.is_dir():
        raise InputError(f'no folder {raw}: {_WHAT_IS_EXPECTED}')
    require_apart(raw, out)
    found, paths = find_raw_files(raw, without=out)
    wanted = ['2D poses', '3D poses', *(['video'] if images else [])]
    archives = archives_among(paths, wanted)
    if not found and not archives:
        raise InputError(f"{raw} holds none of Human3.6M's files: {_WHAT_IS_EXPECTED}")
    metadata = next((path for path in paths if path.name == 'metadata.xml'), None)
    if metadata is None:
        raise InputError(f"no metadata.xml in {raw}: it comes with the code on Human3.6M's web site; put it there")
    cameras, takes = read_cameras(metadata), read_takes(metadata)
    outcome = H36MOutcome(takes, sorted({camera for _, camera in cameras}))
    image_kind = 'person crops' if crops else 'full frames'
    run = partial(run_jobs, workers=worker_count(workers), on_error=outcome.leave_out)
    with explained_stops(out), open_workspace(out, image_kind, images) as workspace:
        found = unpack(archives, raw, workspace / 'unpacked', found) | found
        chosen = _choose(found, cameras, wanted, outcome)
        jobs = {key: (files, cameras[key.subject, key.camera], crops) for key, files in chosen.items()}
        inspected = run(inspect_sequence, jobs, dict.fromkeys(jobs, 1), desc='poses', unit='sequence')
        frames = {key: len(sequence.poses_2d) for key, sequence in inspected.items()}
        if images:
            frames = _store_images(out, inspected, chosen, steps, image_kind, run)
        sequences = []
        for key, count in frames.items():
            outcome.add(key, inspected[key], count)
            poses_2d, poses_3d, stored, *_ = inspected[key]
            arrays = [poses_2d, poses_3d, *([] if stored is None else [stored.windows])]
            sequences.append(AnnotatedSequence(key.name, np.arange(1, count + 1), *(a[:count] for a in arrays)))
        write_annotations(out / 'annotation_body3d', cameras, sequences, steps)
        with whole_file(out / REPORT_NAME) as partial_file:
            partial_file.write_text(f'{outcome}\n', encoding='utf-8')
        shutil.rmtree(workspace / 'unpacked', ignore_errors=True)
    return outcome


def _choose(
    found: dict[RawFile, Path], cameras: dict, wanted: list[str], outcome: H36MOutcome
) -> dict[SequenceKey, dict]:
    """The files of each complete sequence, in the order of subjects, takes and cameras."""
    files_of: dict[SequenceKey, dict[str, Path]] = {}
    for (key, kind), path in found.items():
        files_of.setdefault(key, {})[kind] = path
    chosen = {}
    for key in outcome.expected:
        files = files_of.pop(key, {})
        missing = [kind for kind in wanted if kind not in files]
        if not missing:
            chosen[key] = {kind: files[kind] for kind in wanted}
        elif any(kind in files for kind in wanted):
            error = VideoError if missing == ['video'] else SequenceError
            outcome.leave_out(key, error(f'no {" and no ".join(missing)}'))
    for key in files_of:
        if key.subject in outcome.subjects:
            what = 'camera' if (key.subject, key.camera) not in cameras else 'take'
            outcome.leave_out(key, SequenceError(f'metadata.xml has no such {what}'))
    return chosen


def _store_images(
    out: Path, inspected: dict[SequenceKey, Inspected], chosen: dict, steps: list[int], image_kind: str, run: Callable
) -> dict[SequenceKey, int]:
    """Store the frames that any step needs; returns the number of frames with poses of each video."""
    numbers = {
        key: sorted({number for step in steps for number in range(1, len(sequence.poses_2d) + 1, step)})
        for key, sequence in inspected.items()
    }
    check_space(out, inspected, numbers, image_kind, 'take larger steps (--step 5)')
    jobs = {
        key: (chosen[key]['video'], out / 'images', key.name, len(s.poses_2d), numbers[key], s.crops)
        for key, s in inspected.items()
    }
    return run(store_frames, jobs, {key: len(those) for key, those in numbers.items()}, desc='images', unit='image')
