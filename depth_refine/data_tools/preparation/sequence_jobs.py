"""Runs one function over many sequences, in processes."""

from collections.abc import Callable, Mapping
from concurrent.futures import as_completed
from functools import partial
from typing import Any

from tqdm import tqdm

from depth_refine.utils.parallel import worker_pool

from .raw_h36m import SequenceError, SequenceKey


def run_jobs(
    function: Callable,
    jobs: Mapping[SequenceKey, tuple],
    amounts: Mapping[SequenceKey, int],
    workers: int,
    on_error: Callable[[SequenceKey, SequenceError], None],
    **progress_options,
) -> dict[SequenceKey, Any]:
    """Call ``function`` with the arguments of each job and show progress.

    Args:
        function: of a module, so that processes find it.
        jobs: arguments for each sequence.
        amounts: how much work each is, in the unit of the progress bar.
        workers: processes; 1 is this one.
        on_error: told of sequences that cannot be used.
        progress_options: of the progress bar.

    Returns:
        What the function returned for the other sequences, in the order of the jobs.
    """
    results: dict[SequenceKey, Any] = {}
    with tqdm(total=sum(amounts[key] for key in jobs), smoothing=0.05, **progress_options) as progress:

        def finish(key: SequenceKey, call: Callable) -> None:
            try:
                results[key] = call()
            except SequenceError as error:
                on_error(key, error)
            progress.update(amounts[key])

        if workers == 1 or len(jobs) < 2:  # without the seconds that processes need to start
            for key, arguments in jobs.items():
                finish(key, partial(function, *arguments))
        else:
            with worker_pool(min(workers, len(jobs)), function.__module__) as pool:
                futures = {pool.submit(function, *arguments): key for key, arguments in jobs.items()}
                for future in as_completed(futures):
                    finish(futures[future], future.result)
    return {key: results[key] for key in jobs if key in results}
