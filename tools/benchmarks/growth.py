"""Time and memory as the data set grows."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmpose.registry import DATASETS, MODELS

from depth_refine.inference.extraction import extract_depth_sequences

from .comparison import Result, Spread
from .made_up_data import BYTES_A_FRAME, write_data_root, write_images
from .processes import Usage, measure_alone
from .setup import Setup, left_out

_DEMO = 12_000  # training frames
_MEMORY_A_FRAME = 1200  # bytes: open, and with the poses that the metric keeps
_BATCH, _STEPS = 256, 20
_FRAMES_AN_IMAGE, _MOST_IMAGES = 10, 120_000  # of extraction, which takes far longer than all else
_CONFIG, _FIRST_STAGE = 'refiner_27.py', 'demo/integral.py'
_MEMINFO = Path('/proc/meminfo')


def measure(setup: Setup, demo: int = _DEMO, channels: int = 64) -> Iterator[Result]:
    """Write, extract, open, train and evaluate at 1, 10, 100 and 1000 times the demo's size, in a process each.

    The networks are small, so that what depends on the data shows.

    Args:
        setup: see :class:`Setup`; ``frames`` is the largest size.
        demo: frames of the demo.
        channels: C.
    """
    stages = {
        'write annotation and store': write,
        'open `H36MDepthSequenceDataset`': open_data_set,
        f'{_STEPS} training steps of {_BATCH} windows': train,
        'evaluate every frame': evaluate,
    }
    config = setup.configs / _CONFIG
    for factor in (1, 10, 100, 1000):
        frames = factor * demo
        if reason := reason_against(setup, frames):
            yield left_out(f'{factor} x, {frames:,} frames', peer='', reason=reason)
            break
        root = setup.folder / f'growth_{factor}'
        for name, prepare in stages.items():
            usage = measure_alone(prepare, config, root, frames, channels)
            yield from _rows(f'{factor} x, {frames:,} frames: {name}', usage, frames, per_frame=prepare is not train)
        shutil.rmtree(root)
        images = frames // _FRAMES_AN_IMAGE
        work = f'{factor} x, {images:,} images: extract depth sequences'
        if images > _MOST_IMAGES:
            yield left_out(work, peer='', reason=f'beyond {_MOST_IMAGES:,} images it takes too long')
            continue
        yield from _rows(work, measure_alone(extract, config, root, images), images, per_frame=True)
        shutil.rmtree(root)


def write(config: Path, root: Path, frames: int, channels: int) -> Callable[[], None]:
    """The work of writing the data root."""
    dataset = Config.fromfile(config).train_dataloader.dataset
    return lambda: write_data_root(root, dataset, frames)


def extract(config: Path, root: Path, images: int) -> Callable[[], object]:
    """The work of predicting every image of a data root of its own, by the demo's first stage with random weights."""
    write_data_root(root, Config.fromfile(config).train_dataloader.dataset, images)
    cfg = Config.fromfile(config.parent / _FIRST_STAGE)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.update(data_root=str(root), ann_file=cfg.train_dataloader.dataset.ann_file)
    write_images(DATASETS.build(dict(cfg.test_dataloader.dataset)))
    checkpoint = root / 'first_stage.pth'
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), checkpoint)
    return lambda: extract_depth_sequences(cfg, checkpoint, root / 'extracted')


def open_data_set(config: Path, root: Path, frames: int, channels: int) -> Callable[[], int]:
    """The work of opening it for training."""
    cfg = Config.fromfile(config).train_dataloader.dataset
    return lambda: len(DATASETS.build(dict(cfg, data_root=str(root))))


def train(config: Path, root: Path, frames: int, channels: int) -> Callable[[], None]:
    """The work of some training steps, batches included, on the open data set."""
    cfg = Config.fromfile(config)
    refiner = _small(cfg, channels).train()
    wrapper = build_optim_wrapper(refiner, cfg.optim_wrapper)
    loader = _loader(cfg.train_dataloader, root, batch_size=_BATCH, sampler=dict(type='InfiniteSampler', shuffle=True))
    batches = iter(loader)
    refiner.train_step(next(batches), wrapper)  # draws the epoch's order

    def work() -> None:
        for _ in range(_STEPS):
            refiner.train_step(next(batches), wrapper)

    return work


def evaluate(config: Path, root: Path, frames: int, channels: int) -> Callable[[], None]:
    """The work of refining and evaluating every video."""
    cfg = Config.fromfile(config)
    refiner, evaluator = _small(cfg, channels).eval(), Evaluator(cfg.test_evaluator)
    files = {key: cfg.train_dataloader.dataset[key] for key in ('ann_file', 'depth_store')}
    cfg.test_dataloader.dataset.update(files)
    loader = _loader(cfg.test_dataloader, root)
    evaluator.dataset_meta = loader.dataset.metainfo

    def work() -> None:
        with torch.inference_mode():
            for batch in loader:
                evaluator.process(refiner.test_step(batch), batch)
        evaluator.evaluate(len(loader.dataset))

    return work


def _small(cfg: Config, channels: int) -> torch.nn.Module:
    cfg.model.backbone.channels = cfg.model.head.in_channels = channels
    return MODELS.build(cfg.model)


def _loader(cfg: dict, root: Path, **changes) -> torch.utils.data.DataLoader:
    dataset = DATASETS.build(dict(cfg['dataset'], data_root=str(root)))
    changes |= dict(dataset=dataset, num_workers=0, persistent_workers=False)
    return Runner.build_dataloader(dict(cfg, **changes), seed=0)


def _rows(work: str, usage: Usage, frames: int, per_frame: bool) -> Iterator[Result]:
    if per_frame:
        yield Result(work, 'µs a frame', Spread.of(1e6 * usage.seconds / frames))
    else:
        yield Result(work, 'ms a step', Spread.of(1e3 * usage.seconds / _STEPS))
    yield Result(f'{work}: memory on top', 'bytes a frame', Spread.of(usage.growth / frames))


def reason_against(setup: Setup, frames: int) -> str:
    """Why this size cannot be measured, or nothing."""
    if setup.frames is not None and frames > setup.frames:
        return f'`--frames {setup.frames}`'
    disk, free = BYTES_A_FRAME * frames, shutil.disk_usage(setup.folder).free
    if disk > free:
        return f'needs {disk / 1e9:.0f} GB of disk, and {free / 1e9:.0f} GB are free'
    (line,) = [line for line in _MEMINFO.read_text().splitlines() if line.startswith('MemAvailable')]
    memory, free = _MEMORY_A_FRAME * frames, 1024 * int(line.split()[1])
    return f'needs {memory / 1e9:.0f} GB of memory, and {free / 1e9:.0f} GB are free' if memory > free else ''
