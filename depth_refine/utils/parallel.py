"""Worker processes that start fresh and end with the process that started them."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import cv2

from depth_refine.utils.options import require_number


def worker_count(workers: int | None) -> int:
    """The number of worker processes: as many as asked for, by default one for each core.

    Raises:
        InputError: fewer than one is asked for.
    """
    if workers is None:
        return os.cpu_count() or 1
    require_number('workers', workers, 1, whole=True)
    return workers


@contextmanager
def worker_pool(workers: int, module: str) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes for work with OpenCV; an error or interrupt in the block ends all of them at once.

    The processes import the calling script: a script must call this under ``if __name__ == '__main__':``.

    Args:
        workers: how many processes.
        module: name of the module whose functions they will run, imported once for all of them.
    """
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(workers, _fresh_processes(module), _init_worker) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise


def _fresh_processes(module: str) -> multiprocessing.context.BaseContext:
    """The context that starts workers; plain forks would hang in OpenCV if this process has used its threads."""
    if 'forkserver' not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([module])
    return context


def _init_worker() -> None:
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; this one is ended by the pool
    end_with_parent()


def end_with_parent() -> None:
    """End this process, started by ``multiprocessing``, as soon as the one that started it is gone, even by a kill."""
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
