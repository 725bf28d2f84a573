"""Data sets on mock data: training windows a second, and opening an annotation of Human3.6M's full size."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.runner import Runner
from mmpose.registry import DATASETS
from torch import Tensor

from depth_refine.datasets import H36MAnnotation, write_sequence_store
from depth_refine.datasets.annotation_writer import AnnotatedSequence, write_annotation
from depth_refine.functional.camera import project
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.freed_memory import keep_freed_memory

from .memory import measure_alone
from .setup import CHANNELS_IN, FIELD, JOINTS, MMPOSE, REFINER, Setup, config
from .turns import Contender, Row, take_turns

BATCH, VIDEOS, _BATCHES = 1024, 40, 30
VIDEO = 2500  # frames, about as in Human3.6M
MMPOSE_FRAMES = 2000  # its data set keeps every window in memory
ANNOTATION_FRAMES = 1_559_752  # of the training set at 50 fps
ANNOTATION_BYTES = 2.5e9  # with its store
_CAMERA = dict(id='54138969', w=1000, h=1002, R=np.eye(3), T=np.zeros((3, 1))) | dict(
    f=np.full((2, 1), 1145.0), c=np.full((2, 1), 512.0), k=np.zeros((3, 1)), p=np.zeros((2, 1))
)
_PEER, _MMPOSE = "VideoPose3D's generator, flip, no noise", "MMPose's data set, flip, no noise"


def measure_windows(setup: Setup) -> Iterator[Row]:
    """Windows a second in one process, compared with VideoPose3D's generator and MMPose's data set."""
    loader, theirs = config(REFINER).train_dataloader, get_config(MMPOSE).train_dataloader
    root, small_root = setup.folder / 'windows', setup.folder / 'mmpose_windows'
    write_data_root(root, loader.dataset, VIDEOS * VIDEO)
    write_data_root(small_root, loader.dataset, MMPOSE_FRAMES)
    sources = {
        'ours': (endless_batches(loader, root, BATCH), BATCH),
        _MMPOSE: (endless_batches(theirs, small_root, theirs.batch_size), theirs.batch_size),
    }
    if setup.videopose3d:
        sources[_PEER] = (make_generator(setup), BATCH)
    contenders = {name: Contender(lambda s=source: next(s), batch) for name, (source, batch) in sources.items()}
    rates = take_turns(contenders, setup.rounds)
    work = f'windows of {FIELD} x {JOINTS} x {CHANNELS_IN} in one process, flip and noise'
    yield Row(work, 'windows/s', rates['ours'], _PEER, rates.get(_PEER), target=1.1)
    yield Row(work, 'windows/s', rates['ours'], _MMPOSE, rates[_MMPOSE])
    kept, given_back = (measure_alone(make_batches, root, keeps_memory).seconds for keeps_memory in (True, False))
    windows, peer = _BATCHES * BATCH, 'freed memory given back to the system'
    yield Row('the same in a process of its own', 'windows/s', windows / kept, peer, windows / given_back, target=1.3)


def make_batches(root: Path, keeps_memory: bool) -> Callable[[], object]:
    """The work of making batches in a process that keeps freed memory, as the tools do, or returns it to the system."""
    if keeps_memory:
        keep_freed_memory()
    batches = endless_batches(config(REFINER).train_dataloader, root, BATCH)
    next(batches)
    return lambda: [next(batches) for _ in range(_BATCHES)]


def measure_annotation(setup: Setup) -> Iterator[Row]:
    """Seconds, without imports, and memory, with imports, of a process that opens each stage's training set."""
    root = setup.folder / 'annotation'
    write_data_root(root, config(REFINER).train_dataloader.dataset, ANNOTATION_FRAMES)
    for name in ('integral_h36m_only.py', REFINER):
        usage = measure_alone(open_training_set, name, root)
        work = f'open the training set of `{name}`, {ANNOTATION_FRAMES:,} frames'
        yield Row(work, 's', usage.seconds, target=5, at_most=True)
        yield Row(f'{work}: peak memory', 'GB', usage.peak / 1e9, target=1.5, at_most=True)


def open_training_set(name: str, root: Path) -> Callable[[], object]:
    """The work of opening a config's training set, its store included."""
    dataset = config(name).train_dataloader.dataset
    return lambda: DATASETS.build(dict(dataset, data_root=str(root)))


def write_data_root(root: Path, dataset: dict, frames: int) -> None:
    """Write the files of a training set: random poses, the same in every video.

    Args:
        root: the folder.
        dataset: config of a data set with a ``depth_store``, which has the files' names.
        frames: total number of frames.
    """
    joints = np.array([0, 0, 5]) + np.random.default_rng(0).uniform(-0.7, 0.7, (min(frames, VIDEO), JOINTS, 3))
    pixels, depth = project(joints, _CAMERA), joints[..., 2:] - joints[:, [H36M.root], 2:]
    sequences = []
    for number, start in enumerate(range(0, frames, VIDEO), start=1):
        length = min(VIDEO, frames - start)
        name = f'S1_Walking_{number}.{_CAMERA["id"]}'
        sequences.append(AnnotatedSequence(name, np.arange(1, length + 1), pixels[:length], joints[:length]))
    write_annotation(root / dataset['ann_file'], sequences, 50)
    camera_file = root / 'annotation_body3d/cameras.pkl'
    camera_file.write_bytes(pickle.dumps({('S1', _CAMERA['id']): _CAMERA}))

    annotation = H36MAnnotation(root / dataset['ann_file'], camera_file)
    with write_sequence_store(root / dataset['depth_store'], annotation, dataset['bbox_policy'], meta={}) as writer:
        for rows in (sequence.rows for sequence in annotation.sequences):
            keypoints = np.concatenate([pixels, depth], axis=-1)[: len(rows)]
            writer.write(rows, keypoints, np.ones(keypoints.shape[:2]))


def endless_batches(loader: Config, root: Path, batch: int) -> Iterator[dict]:
    """Endless shuffled batches of a config's training loader on another data root, made in this process."""
    changes = dict(
        dataset=dict(loader.dataset, data_root=str(root)),
        batch_size=batch,
        sampler=dict(type='InfiniteSampler', shuffle=True),
        num_workers=0,
        persistent_workers=False,
    )
    return iter(Runner.build_dataloader(dict(loader, **changes), seed=0))


def make_generator(setup: Setup) -> Iterator[list[Tensor]]:
    """Endless shuffled batches of VideoPose3D's generator, on as many random videos.

    They are float32 tensors, to which its training loop converts the generator's float64 arrays.
    """
    videos = list(np.random.default_rng(0).normal(size=(VIDEOS, VIDEO, JOINTS, CHANNELS_IN)).astype(np.float32))
    right, left = np.array([pair for pair in enumerate(H36M.flip_indices) if pair[0] < pair[1]]).T.tolist()
    sides = dict(kps_left=left, kps_right=right, joints_left=left, joints_right=right)
    windows = dict(chunk_length=1, pad=FIELD // 2, augment=True, endless=True)
    generator = setup.peer('generators').ChunkedGenerator(BATCH, None, videos, videos, **windows, **sides)
    for _, targets, inputs in generator.next_epoch():
        yield [torch.from_numpy(values.astype('float32')) for values in (targets, inputs)]
