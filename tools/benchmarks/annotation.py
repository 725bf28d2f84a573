"""Human3.6M at its full size, on made-up poses: from the official files to an open data set, and its evaluation."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dataset import DefaultSampler
from mmengine.hub import get_config
from mmpose.registry import DATASETS
from scipy.spatial.transform import Rotation

from depth_refine.data_tools.preparation.prepare import prepare_h36m
from depth_refine.datasets import H36MAnnotation, write_sequence_store
from depth_refine.structures.skeleton import ROOT
from depth_refine.synthetic.official_h36m import OfficialTake, make_official_cameras, takes_of, write_official_h36m
from depth_refine.synthetic.performances import procedural_performances
from depth_refine.utils.errors import InputError

from .comparison import Result, Spread
from .metric_at_size import TEST_FRAMES, frame_samples, prepare_metric, video_samples
from .networks import MMPOSE_CONFIG, REFINER_CONFIG
from .processes import measure_alone
from .setup import Setup, left_out

TRAINING_FRAMES = 1_559_752
_BYTES_A_FRAME = 5000  # of poses, annotations and intermediate files
_MOST_FOR_MMPOSE = 20_000  # frames, of 540 kB each
_TARGETS = {'open `H36MDepthSequenceDataset`': (5, 1.5), 'open `H36MImageDataset`': (5, 1.5)}


def measure(setup: Setup) -> Iterator[Result]:
    """Seconds, without imports, and memory, with imports, of each step in a process of its own.

    Args:
        setup: see :class:`Setup`; ``frames`` is the size of the training set, by default the official one.

    Raises:
        InputError: the disk is too full.
    """
    frames = TRAINING_FRAMES if setup.frames is None else setup.frames
    needed, free = _BYTES_A_FRAME * frames, shutil.disk_usage(setup.folder).free
    if free < needed:
        raise InputError(
            f'{setup.folder} needs {needed / 1e9:.1f} GB and has {free / 1e9:.1f} GB: give another --folder'
        )
    steps: dict[str, tuple[Callable, tuple]] = {
        'imports alone': (do_nothing, ()),
        'write made-up CDF files': (write_raw, (frames,)),
        'prepare them, without images': (prepare, ()),
        'write a depth sequence store': (write_store, (setup.configs,)),
        'open `H36MImageDataset`': (open_images, (setup.configs,)),
        'open `H36MDepthSequenceDataset`': (open_sequences, (setup.configs,)),
        'order of an epoch, 1 index a frame': (order, (frames,)),
        'metric, whole videos': (prepare_metric, (video_samples, frames / TRAINING_FRAMES)),
        'metric, single frames': (prepare_metric, (frame_samples, frames / TRAINING_FRAMES)),
        "open MMPose's `Human36mDataset`": (open_mmpose, ()),
    }
    for name, (step, arguments) in steps.items():
        if step is open_mmpose and frames > _MOST_FOR_MMPOSE:
            yield left_out(name, peer='', reason=f'beyond {_MOST_FOR_MMPOSE:,} frames it needs too much memory')
            continue
        usage = measure_alone(step, setup.folder / 'annotation', *arguments)
        seconds, gigabytes = _TARGETS.get(name, (None, None)) if frames == TRAINING_FRAMES else (None, None)
        spent = usage.result if isinstance(usage.result, float) else usage.seconds
        evaluated = step is prepare_metric
        work = f'{round(frames / TRAINING_FRAMES * TEST_FRAMES) if evaluated else frames:,} frames: {name}'
        if step is not do_nothing:
            yield Result(work, 's', Spread.of(spent), target=seconds, at_most=True)
        yield Result(f'{work}: peak memory', 'GB', Spread.of(usage.peak / 1e9), target=gigabytes, at_most=True)


def do_nothing(root: Path) -> Callable[[], None]:
    """No work."""
    return lambda: None


def write_raw(root: Path, frames: int) -> Callable[[], None]:
    """The work of writing people who stand somewhere, turned at random, in takes as long as the official ones."""
    rng = np.random.default_rng(0)
    standing = procedural_performances(['S1'], ['Waiting'], 100, seed=0)[0].joints
    standing = standing - standing.mean(axis=(0, 1)) * [1, 1, 0]
    takes = [(subject, name) for subject in ('S1', 'S5', 'S6', 'S7', 'S8') for name in takes_of(subject)]
    takes = takes[: max(round(frames / TRAINING_FRAMES * len(takes)), 1)]

    def move(count: int) -> np.ndarray:
        turns = Rotation.from_euler('z', rng.uniform(0, 2 * np.pi, (count, 1))).as_matrix()
        joints = standing[rng.integers(0, len(standing), count)] @ turns
        return joints + rng.uniform(-0.3, 0.3, (count, 1, 3)) * [1, 1, 0] + rng.normal(0, 0.01, joints.shape)

    lengths = np.diff(np.linspace(0, frames // 4, len(takes) + 1).astype(int))
    made = (OfficialTake(*take, move(count)) for take, count in zip(takes, lengths, strict=True))
    return lambda: write_official_h36m(root / 'raw', made, make_official_cameras(), videos=False)


def prepare(root: Path) -> Callable[[], object]:
    """The work of preparing the files."""
    return lambda: prepare_h36m(root / 'raw', root / 'h36m', images=False)


def write_store(root: Path, configs: Path) -> Callable[[], None]:
    """The work of storing the annotated poses as if they were predicted."""
    cfg = Config.fromfile(configs / REFINER_CONFIG).train_dataloader.dataset
    annotation = H36MAnnotation(root / 'h36m' / cfg.ann_file, root / 'h36m/annotation_body3d/cameras.pkl')

    def work() -> None:
        with write_sequence_store(root / 'h36m' / cfg.depth_store, annotation, cfg.bbox_policy, meta={}) as writer:
            for rows in (sequence.rows for sequence in annotation.sequences):
                depth = annotation.keypoints_3d[rows][..., 2:]
                keypoints = np.concatenate([annotation.keypoints[rows], depth - depth[:, ROOT, None]], axis=-1)
                writer.write(rows, keypoints, np.ones(keypoints.shape[:2]))

    return work


def open_images(root: Path, configs: Path) -> Callable[[], int]:
    """The work of opening the first stage's training set."""
    cfg = Config.fromfile(configs / 'integral_h36m_only.py').train_dataloader.dataset
    return lambda: len(DATASETS.build(dict(cfg, data_root=str(root / 'h36m'))))


def open_sequences(root: Path, configs: Path) -> Callable[[], int]:
    """The work of opening the second stage's, store and all."""
    cfg = Config.fromfile(configs / REFINER_CONFIG).train_dataloader.dataset
    return lambda: len(DATASETS.build(dict(cfg, data_root=str(root / 'h36m'))))


def order(root: Path, frames: int) -> Callable[[], int]:
    """The work of drawing the order of an epoch."""
    return lambda: len(list(DefaultSampler(range(frames))))


def open_mmpose(root: Path) -> Callable[[], int]:
    """The work of opening MMPose's data set of windows."""
    cfg = get_config(MMPOSE_CONFIG).train_dataloader.dataset
    return lambda: len(DATASETS.build(dict(cfg, data_root=str(root / 'h36m'), pipeline=[])))
