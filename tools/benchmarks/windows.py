"""Training windows through a data loader, in one process."""

from collections.abc import Callable, Iterator

import numpy as np
from mmengine.hub import get_config
from mmengine.runner import Runner
from mmpose.registry import DATASETS

from depth_refine.datasets import H36MDepthSequenceDataset
from depth_refine.structures.skeleton import FLIP_INDICES

from .comparison import Contender, Result, compare
from .made_up_data import write_data_root
from .networks import FIELD, MMPOSE_CONFIG, REFINER_CONFIG
from .setup import Setup

_PEER, _MMPOSE = "VideoPose3D's generator, flip, no noise", "MMPose's data set, flip, no noise"


def measure(
    setup: Setup, frames: int = 100_000, mmpose_frames: int = 2000, batch: int = 1024, batches: int = 4
) -> Iterator[Result]:
    """Windows a second, flip and noise included, beside VideoPose3D's generator and MMPose's data set.

    Args:
        setup: see :class:`Setup`.
        frames: of the made-up training set.
        mmpose_frames: of MMPose's, which keeps every window in memory.
        batch: windows of a batch, ours and VideoPose3D's.
        batches: in a round.
    """
    cfg = setup.config(REFINER_CONFIG).train_dataloader
    root, small_root = setup.folder / 'windows', setup.folder / 'mmpose_windows'
    write_data_root(root, cfg.dataset, frames)
    write_data_root(small_root, cfg.dataset, mmpose_frames)
    dataset = DATASETS.build(dict(cfg.dataset, data_root=str(root)))
    theirs = get_config(MMPOSE_CONFIG).train_dataloader
    theirs.dataset.data_root = str(small_root)
    contenders = {'ours': Contender(draw(endless(cfg, dataset, batch), batches), batch * batches)}
    contenders[_MMPOSE] = Contender(draw(endless(theirs, theirs.dataset, theirs.batch_size), 2), 2 * theirs.batch_size)
    if setup.videopose3d:
        contenders[_PEER] = Contender(draw(generate(setup, dataset, batch), batches), batch * batches)
    if setup.device == 'cuda':
        on_device = DATASETS.build(dict(cfg.dataset, data_root=str(root), device='cuda'))
        contenders['on the GPU'] = Contender(draw(endless(cfg, on_device, batch), batches), batch * batches)
    rates = setup.take_turns(contenders)
    work = f'windows of {FIELD} x 17 x 3 in one process'
    yield compare(work, 'windows/s', rates['ours'], target=60_000)
    yield compare(work, 'windows/s', rates['ours'], _PEER, rates.get(_PEER))
    yield compare(work, 'windows/s', rates['ours'], _MMPOSE, rates[_MMPOSE])
    if setup.device == 'cuda':
        yield compare(f'{work}, put together on the GPU', 'windows/s', rates['on the GPU'])


def endless(cfg: dict, dataset: dict | H36MDepthSequenceDataset, batch: int) -> Iterator[object]:
    """Batches of a config's data loader, shuffled, for ever, without workers."""
    sampler = dict(type='InfiniteSampler', shuffle=True)
    changes = dict(dataset=dataset, batch_size=batch, sampler=sampler, num_workers=0, persistent_workers=False)
    return iter(Runner.build_dataloader(dict(cfg, **changes), seed=0))


def generate(setup: Setup, dataset: H36MDepthSequenceDataset, batch: int) -> Iterator[object]:
    """Batches of VideoPose3D's generator, of the same videos, shuffled, for ever."""
    lengths = [len(sequence.rows) for sequence in dataset.annotation.sequences]
    videos = [dataset.build_sample(np.array([index, 0, length])) for index, length in enumerate(lengths)]
    pairs = [(right, left) for right, left in enumerate(FLIP_INDICES) if right < left]
    right, left = (list(side) for side in zip(*pairs, strict=True))
    generator = setup.peer('generators').ChunkedGenerator(
        batch,
        None,
        [video['lifting_target'] for video in videos],
        [video['keypoints'][FIELD // 2 : -(FIELD // 2)] for video in videos],
        chunk_length=1,
        pad=FIELD // 2,
        augment=True,
        kps_left=left,
        kps_right=right,
        joints_left=left,
        joints_right=right,
        endless=True,
    )
    return generator.next_epoch()


def draw(batches: Iterator[object], count: int) -> Callable[[], None]:
    """The work of making some batches."""

    def work() -> None:
        for _ in range(count):
            next(batches)

    return work
