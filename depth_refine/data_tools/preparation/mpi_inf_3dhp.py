"""MPI-INF-3DHP's original files, converted to MMPose's layout; ``docs/mpi_inf_3dhp.md`` lists the choices."""

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from depth_refine.datasets.annotation_writer import AnnotatedSequence, write_annotation
from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_names import image_name
from depth_refine.utils.parallel import worker_count

from .frames import store_frames
from .mpi_inf_3dhp_facts import HELD_OUT_OF_28, RECORDINGS, ROOTS, TEST_SETS
from .mpi_inf_3dhp_outcome import MPIINF3DHPOutcome
from .mpi_inf_3dhp_videos import FoundVideo, VideoKey, inspect_folder
from .output import check_space, explained_stops, open_workspace, require_apart, write_cameras
from .prepare import REPORT_NAME
from .raw_files import SequenceError
from .sequences import run_jobs

_FOLDER = re.compile(r'(?:.*/)?(?:(S\d)/(Seq\d)|(TS\d))')
_WHAT_IS_EXPECTED = (
    'expected the original folders S1/Seq1, with annot.mat, camera.calibration and imageSequence/video_0.avi, and so '
    'on, and TS1, with annot_data.mat and imageSequence/img_000001.jpg, and so on, somewhere below'
)
_NOT_SEARCHED = {'imageSequence', 'FGmasks', 'ChairMasks'}  # folders of thousands of images
_RATES = sorted({recording.rate for recording in RECORDINGS.values()})
_SAME_RATE = 1e-3  # tolerance, so that 16.667 is 50 / 3


def prepare_mpi_inf_3dhp(
    raw: str | Path,
    out: str | Path,
    rates: Sequence[float] = (25,),
    joints: int = 17,
    images: bool = True,
    crops: bool = False,
    workers: int | None = None,
) -> MPIINF3DHPOutcome:
    """Write annotations and images in MMPose's layout from MPI-INF-3DHP's original files.

    ``out/annotation_body3d`` gets ``cameras.pkl`` and, for each rate, ``fps<rate>/mpi_inf_3dhp_{train,test}.npz``, with
    ``annot3`` as 3D joints, and ``mpi_inf_3dhp_universal_{train,test}.npz``, with ``univ_annot3``. ``out/images`` gets
    a folder for each video. ``out/preparation_report.txt`` lists what was prepared. A video whose files are damaged,
    incomplete or do not fit together is left out and listed there.

    Everything appears when it is complete. After a run that was stopped, the next one continues, and gives the same
    files.

    The training set has recordings of 25 and of 50 frames a second. An annotation has one rate: it has every n-th frame
    of the recordings whose rate is n times its own, and none of the others.

    Args:
        raw: folder with ``S1/Seq1`` and so on and ``TS1`` and so on somewhere below, see :mod:`.mpi_inf_3dhp_files`.
        out: the folder to write to.
        rates: frames a second of the annotations. Images are written for the frames that any of them needs.
        joints: 17, or all 28 of the training set, in files named ``mpi_inf_3dhp_28_...``. Since the test set has 17,
            the test annotation of 28 joints is that of the training set's last subject, S8.
        images: whether to write images; if not, videos and images are not needed.
        crops: store the part of each frame around the person, see :mod:`.frames`, instead of full frames.
        workers: number of processes (default: one for each core). They import the calling script: guard its
            ``__main__``.

    Returns:
        What was prepared and left out.

    Raises:
        InputError: ``raw`` is missing or has no sequence, no recording fits a rate, ``joints`` is another number,
            ``out`` contains ``raw``, is in use or has images of another kind, the disk is too full, or ``workers`` is
            not positive.
    """
    raw, out = Path(raw).absolute(), Path(out).absolute()
    if joints not in ROOTS:
        raise InputError(f'expected 17 or 28 joints, got {joints}')
    rates = _checked_rates(rates)
    folders = _find_folders(raw, out)
    outcome = MPIINF3DHPOutcome(test_sets=joints == 17)
    image_kind = f'person crops of {joints} joints' if crops else 'full frames'
    run = partial(run_jobs, workers=worker_count(workers), on_error=outcome.leave_out)
    with explained_stops(out), open_workspace(out, image_kind, images):
        jobs = {
            key: (folder, key, joints, images, crops)
            for key, folder in folders.items()
            if joints == 17 or key.subject not in TEST_SETS
        }
        found: dict[VideoKey, FoundVideo] = {}
        for videos in run(inspect_folder, jobs, dict.fromkeys(jobs, 1), desc='poses', unit='sequence').values():
            for key, video in videos.items():
                if isinstance(video, SequenceError):
                    outcome.leave_out(key, video)
                else:
                    found[key] = video
        frames = {key: len(video.poses_2d) for key, video in found.items()}
        if images:
            frames = _store_images(out, found, rates, image_kind, run)
        for key, count in frames.items():
            outcome.add(key, found[key], count)
        write_cameras(out / 'annotation_body3d', {key.name: _plain(found[key].camera) for key in frames})
        prefix = 'mpi_inf_3dhp' if joints == 17 else f'mpi_inf_3dhp_{joints}'
        for rate in rates:
            _write_annotations(
                out / 'annotation_body3d', prefix, rate, {k: (found[k], frames[k]) for k in frames}, outcome
            )
        with whole_file(out / REPORT_NAME) as partial_file:
            partial_file.write_text(f'{outcome}\n', encoding='utf-8')
    return outcome


def _plain(camera: dict) -> dict:
    """A camera whose pickle is the same whether or not it came from a worker process."""
    arrays = {key: np.array(camera[key].tolist()) for key in ('R', 'T', 'f', 'c', 'k', 'p') if key in camera}
    return dict(arrays, w=camera['w'], h=camera['h'])


def _checked_rates(rates: Sequence[float]) -> list[float]:
    for rate in rates:
        if not rate > 0 or not any(_step(rate, of_videos) for of_videos in _RATES):
            raise InputError(
                f'no recording can be annotated at {rate:g} frames a second: expected {_RATES[0]}, {_RATES[1]} or one '
                'of these over a whole number'
            )
    return sorted(set(rates))


def _step(rate: float, of_video: float) -> int | None:
    """The step between annotated frames of a video; None if it is not a whole number."""
    step = round(of_video / rate)
    return step if step and abs(of_video / rate - step) < _SAME_RATE else None


def _find_folders(raw: Path, out: Path) -> dict[VideoKey, Path]:
    """The folders of sequences below ``raw``, in the order of the data set; the first one if there are several."""
    if not raw.is_dir():
        raise InputError(f'no folder {raw}: {_WHAT_IS_EXPECTED}')
    require_apart(raw, out)
    found: dict[VideoKey, Path] = {}
    for parent, folders, _ in os.walk(raw, followlinks=True):
        folders[:] = sorted(set(folders) - _NOT_SEARCHED)
        folders[:] = [name for name in folders if name[0] != '.' and Path(parent, name) != out]
        if match := _FOLDER.fullmatch(Path(parent).as_posix()):
            found.setdefault(VideoKey(*(match[3], '') if match[3] else match.group(1, 2)), Path(parent))
    expected = [VideoKey(*names) for names in RECORDINGS] + [VideoKey(name) for name in TEST_SETS]
    if not any(key in found for key in expected):
        raise InputError(f'{raw} holds no sequence of MPI-INF-3DHP: {_WHAT_IS_EXPECTED}')
    return {key: found[key] for key in expected if key in found}


def _store_images(
    out: Path, found: dict[VideoKey, FoundVideo], rates: list[float], image_kind: str, run: Callable
) -> dict[VideoKey, int]:
    """Store the frames that any rate needs; returns the number of frames with poses of each video."""
    numbers = {}
    for key, video in found.items():
        steps = filter(None, (_step(rate, video.rate) for rate in rates))
        numbers[key] = sorted({number for step in steps for number in range(1, len(video.poses_2d) + 1, step)})
    check_space(out, found, numbers, image_kind, 'annotate fewer frames (--rate 5)')
    jobs = {
        key: (video.source, out / 'images', key.name, len(video.poses_2d), numbers[key], video.crops)
        for key, video in found.items()
    }
    return run(store_frames, jobs, {key: len(those) for key, those in numbers.items()}, desc='images', unit='image')


def _write_annotations(
    folder: Path, prefix: str, rate: float, videos: dict[VideoKey, tuple[FoundVideo, int]], outcome: MPIINF3DHPOutcome
) -> None:
    """Write the annotations of one rate: for each split one with ``annot3`` and one with ``univ_annot3``."""
    splits: dict[str, list[tuple[VideoKey, FoundVideo, slice]]] = {}
    held_out = TEST_SETS if prefix == 'mpi_inf_3dhp' else [HELD_OUT_OF_28]
    for key, (video, count) in videos.items():
        if step := _step(rate, video.rate):
            split = 'test' if key.subject in held_out else 'train'
            splits.setdefault(split, []).append((key, video, slice(0, count, step)))
    for split, those in splits.items():
        _, first, rows = those[0]
        exact = first.rate / rows.step  # 50 / 3, not 16.667
        for kind in ('', '_universal'):
            name = f'fps{exact:g}/{prefix}{kind}_{split}.npz'
            sequences = [_annotated(*each, universal=bool(kind)) for each in those]
            write_annotation(folder / name, sequences, exact)
            outcome.annotations[name] = len(sequences), sum(len(sequence.frames) for sequence in sequences)


def _annotated(key: VideoKey, video: FoundVideo, rows: slice, universal: bool) -> AnnotatedSequence:
    """Those rows of a video that are annotated."""
    frames = np.arange(1, len(video.poses_2d) + 1)[rows]
    return AnnotatedSequence(
        key.name,
        frames,
        video.poses_2d[rows],
        (video.universal if universal else video.poses_3d)[rows],
        crops=None if video.crops is None else video.crops.windows[rows],
        subject=key.subject,
        action='' if video.activities is None else video.activities[rows],
        camera=key.name,
        image_names=[image_name(key.name, frame) for frame in frames],
        evaluated=None if video.evaluated is None else video.evaluated[rows],
    )
