"""How long the whole of Human3.6M would take, from the rates of the other sections."""

import math
from collections.abc import Iterator, Mapping, Sequence

from .annotation import TRAINING_FRAMES
from .comparison import Result, Spread
from .metric_at_size import TEST_FRAMES
from .setup import Setup

ASSUMED_GPU = 400e12  # FLOP/s of a large bfloat16 matrix product, a round number
NEEDS = ('training', 'windows', 'first_stage')
_GPUS = (1, 8)


def measure(setup: Setup, results: Mapping[str, Sequence[Result]]) -> Iterator[Result]:
    """Hours on 1 and 8 GPUs.

    hours = items x FLOP of an item / (share x FLOP/s of the GPU's matrix product x GPUs) / 3600, with FLOP and share of
    the bfloat16 row of this machine. If this machine has a GPU, its own matrix product is taken, otherwise
    ``ASSUMED_GPU``.

    Args:
        setup: see :class:`Setup`.
        results: of the sections named in ``NEEDS``.
    """
    first, second = (setup.config(name) for name in ('integral_h36m.py', 'refiner_243.py'))
    step = next(node.frame_step for node in first.train_dataloader.dataset.datasets if 'frame_step' in node)
    # a row for each: what, how many, and the measured ones behind it; extraction is one process
    works = [
        (
            'stage 1 training',
            first.train_cfg.max_epochs * 2 * len(range(0, TRAINING_FRAMES, step)),
            'first_stage',
            'training',
            'loading images for training',
        ),
        ('extraction', TRAINING_FRAMES + TEST_FRAMES, 'first_stage', 'prediction', 'loading images for prediction'),
        ('stage 2 training', second.train_cfg.max_epochs * TRAINING_FRAMES, 'training', 'training', 'windows'),
    ]
    gpu = setup.machine.matrix['bf16'] if setup.device == 'cuda' else ASSUMED_GPU
    loaded = {row.work: row.ours.median for section in ('windows', 'first_stage') for row in results[section]}
    for work, items, section, kind, loading in works:
        row = next(row for row in results[section] if row.work.startswith(kind) and 'bf16' in row.work and row.share)
        rate = gpu * row.share * row.ours.median / row.flop_rate
        made = next(median for name, median in loaded.items() if name.startswith(loading))
        for gpus in _GPUS if 'training' in work else _GPUS[:1]:
            note = (
                f'{items:,} items of {row.flop_rate / row.ours.median / 1e9:.3g} GFLOP at {row.share:.0%} of '
                f'{gpu / 1e12:.3g} TFLOP/s a GPU{"" if setup.device == "cuda" else " (assumed)"}: {rate:,.0f} items/s '
                f'a GPU, loaded by {math.ceil(rate / made)} processes like the one here ({made:,.0f} items/s)'
            )
            hours = items / rate / gpus / 3600
            yield Result(f'{work}, {gpus} GPU{"s" * (gpus > 1)}', 'h', Spread.of(hours), note=note)
