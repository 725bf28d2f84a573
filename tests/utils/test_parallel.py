import multiprocessing
import os
import signal
import time
from pathlib import Path

import cv2
import pytest

from depth_refine.utils.parallel import worker_pool


def process_id(seconds=0.0):
    time.sleep(seconds)
    return os.getpid(), cv2.getNumThreads()


@pytest.mark.parametrize('stop', [KeyboardInterrupt, SystemExit, RuntimeError])
def test_an_error_ends_the_workers_and_what_waits(stop):
    other = multiprocessing.get_context('fork').Process(target=time.sleep, args=(600,))
    other.start()
    with pytest.raises(stop), worker_pool(1, 'depth_refine.utils.parallel') as pool:
        worker, threads = pool.submit(process_id).result()
        assert worker != os.getpid() and threads == 1
        futures = [pool.submit(process_id, 600) for _ in range(3)]
        raise stop
    wait_for_end_of(worker)
    assert not any(future.done() and future.exception() is None for future in futures if not future.cancelled())
    assert other.is_alive(), 'processes of others are left alone'
    other.terminate()
    other.join()


def start_a_worker(connection):
    with worker_pool(1, 'depth_refine.utils.parallel') as pool:
        connection.send(pool.submit(process_id).result()[0])
        pool.submit(process_id, 600).result()


def test_workers_end_with_a_killed_parent():
    receiver, sender = multiprocessing.Pipe()
    parent = multiprocessing.get_context('forkserver').Process(target=start_a_worker, args=(sender,))
    parent.start()
    worker = receiver.recv()
    os.kill(parent.pid, signal.SIGKILL)
    parent.join()
    wait_for_end_of(worker)


def wait_for_end_of(process):
    end = time.monotonic() + 60
    while runs(process):
        assert time.monotonic() < end, f'process {process} still runs'
        time.sleep(0.02)


def runs(process):
    try:
        return Path(f'/proc/{process}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return False
