"""The sections of the benchmark, in their order."""

from collections.abc import Iterator, Sequence

from . import (
    annotation,
    distributed,
    estimate,
    first_stage,
    growth,
    metric,
    precision,
    refiner_inference,
    refiner_training,
    soft_argmax,
    streaming,
    windows,
)
from .comparison import Result
from .setup import Setup

SECTIONS = dict(
    inference=refiner_inference.measure,
    precision=precision.measure,
    training=refiner_training.measure,
    distributed=distributed.measure,
    streaming=streaming.measure,
    windows=windows.measure,
    soft_argmax=soft_argmax.measure,
    first_stage=first_stage.measure,
    metric=metric.measure,
    growth=growth.measure,
    annotation=annotation.measure,
)
ESTIMATE = 'estimate'  # made from other sections
ON_REQUEST = ('growth', 'annotation')  # of minutes and gigabytes


def expected(names: Sequence[str]) -> list[str]:
    """These sections, and the estimate if it can be made from them."""
    return [*names, *([ESTIMATE] if set(estimate.NEEDS) <= set(names) else [])]


def run_sections(names: Sequence[str], setup: Setup) -> Iterator[tuple[str, list[Result]]]:
    """Measure some sections; each is given as soon as it is there."""
    results: dict[str, list[Result]] = {}
    for name in names:
        results[name] = list(SECTIONS[name](setup))
        yield name, results[name]
    if ESTIMATE in expected(names):
        yield ESTIMATE, list(estimate.measure(setup, results))
