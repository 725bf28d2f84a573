"""What bfloat16 does to the poses of a trained refiner."""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner, load_checkpoint
from mmpose.registry import MODELS

from depth_refine.engine import check_checkpoint

from .comparison import Result, Spread
from .networks import bfloat16
from .setup import Setup, left_out


def measure(setup: Setup, videos: int = 16) -> Iterator[Result]:
    """Distances between the joints of both precisions, on the test videos of the refiner's config.

    Args:
        setup: see :class:`Setup`; ``refiner`` is measured.
        videos: how many of them.
    """
    if setup.refiner is None:
        yield left_out('poses in bf16 beside fp32', reason='no `--refiner` was given')
        return
    config, checkpoint = setup.refiner
    cfg = Config.fromfile(config)
    model = MODELS.build(cfg.model)
    check_checkpoint(model, checkpoint)
    load_checkpoint(model, checkpoint, map_location='cpu', logger='silent')
    model.to(setup.device).eval()
    loader = Runner.build_dataloader(dict(cfg.test_dataloader, num_workers=0, persistent_workers=False))
    distances = [_distances(model, data, setup.device) for data in itertools.islice(loader, videos)]
    millimetres = 1000 * np.concatenate(distances, axis=None)
    work = f'poses in bf16 beside fp32, {len(distances)} videos, {millimetres.size:,} joints'
    yield Result(f'{work}: middle half', 'mm', Spread.of(millimetres))
    for name, value in (('99.9 %', np.quantile(millimetres, 0.999)), ('largest', millimetres.max())):
        yield Result(f'{work}: {name}', 'mm', Spread.of(value), target=0.2, at_most=True)


@torch.inference_mode()
def _distances(model: torch.nn.Module, data: dict, device: str) -> np.ndarray:
    """(T, K) m, of a loader's batch of one video."""
    (sample,) = model.test_step(data)
    exact = sample.pred_instances.keypoints
    with bfloat16(device):
        (sample,) = model.test_step(data)
    return np.linalg.norm(sample.pred_instances.keypoints - exact, axis=-1)
