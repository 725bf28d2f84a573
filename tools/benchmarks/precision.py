"""What bfloat16 does to the predictions of trained networks."""

import copy
import itertools
from collections.abc import Iterator

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner, load_checkpoint
from mmpose.registry import MODELS
from torch import nn

from depth_refine.models import optimise_for_inference
from depth_refine.utils.checkpoint import check_checkpoint

from .comparison import Result, Spread
from .networks import bfloat16
from .setup import Setup, left_out

_CLOSE = 0.2  # mm


def measure(setup: Setup, videos: int = 16, images: int = 512) -> Iterator[Result]:
    """Distances between what both precisions give, on the test data of each config.

    Args:
        setup: see :class:`Setup`; ``refiner`` and ``first_stage`` are measured.
        videos: how many of them the refiner gets.
        images: the first stage, about.
    """
    if setup.refiner is None:
        yield left_out('poses in bf16 beside fp32', peer='', reason='no `--refiner` was given')
    else:
        poses = [1000 * np.linalg.norm(other - one, axis=-1) for one, other in _refined(setup, videos)]
        joints = np.concatenate(poses, axis=None)
        work = f'poses in bf16 beside fp32, {len(poses)} videos, {joints.size:,} joints'
        yield from _rows(work, 'mm', joints, target=_CLOSE)
    if setup.first_stage is None:
        yield left_out("the first stage's in bf16 beside fp32", peer='', reason='no `--first-stage` was given')
    else:
        one, other = (np.concatenate(found) for found in zip(*_predicted(setup, images), strict=True))
        work = f"the first stage's in bf16 beside fp32, {len(one):,} images"
        yield from _rows(f'{work}, in the image', 'px', np.linalg.norm((other - one)[..., :2], axis=-1))
        yield from _rows(f'{work}, depth', 'mm', 1000 * np.abs(other - one)[..., 2])


def _rows(work: str, unit: str, distances: np.ndarray, target: float | None = None) -> Iterator[Result]:
    yield Result(f'{work}: middle half', unit, Spread.of(distances))
    for name, value in (('99.9 %', np.quantile(distances, 0.999)), ('largest', distances.max())):
        yield Result(f'{work}: {name}', unit, Spread.of(value), target=target, at_most=True)


def _refined(setup: Setup, videos: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Poses (T, K, 3) m of videos in float32 and under autocast."""
    model, loader = _load(*setup.refiner, setup.device)
    for data in itertools.islice(loader, videos):
        exact = _keypoints(model, data)
        with bfloat16(setup.device):
            yield exact[0], _keypoints(model, data)[0]


def _predicted(setup: Setup, images: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(B, K, 3) of (u px, v px, depth m) of batches, plainly and as in extraction with ``--amp``."""
    model, loader = _load(*setup.first_stage, setup.device)
    fast = optimise_for_inference(copy.deepcopy(model), setup.device, amp=True)
    for data in itertools.islice(loader, -(-images // loader.batch_size)):
        yield tuple(np.concatenate(_keypoints(network, data)) for network in (model, fast))


def _load(config: str, checkpoint: str, device: str) -> tuple[nn.Module, torch.utils.data.DataLoader]:
    """The network of a config, evaluating, and the loader of its test data."""
    cfg = Config.fromfile(config)
    model = MODELS.build(cfg.model)
    check_checkpoint(model, checkpoint)
    load_checkpoint(model, checkpoint, map_location='cpu', logger='silent')
    loader = Runner.build_dataloader(dict(cfg.test_dataloader, num_workers=0, persistent_workers=False))
    return model.to(device).eval(), loader


@torch.inference_mode()
def _keypoints(model: nn.Module, data: dict) -> list[np.ndarray]:
    """Of each sample of a loader's batch."""
    return [sample.pred_instances.keypoints for sample in model.test_step(data)]
