import multiprocessing
import os
import select
import signal
import time
from pathlib import Path

import cv2
import pytest

from depth_refine.utils.parallel import end_with_parent, worker_pool


def process_id(seconds=0.0):
    time.sleep(seconds)
    return os.getpid(), cv2.getNumThreads()


def test_work_is_done_elsewhere_with_one_thread():
    with worker_pool(1, 'depth_refine.utils.parallel') as pool:
        worker, threads = pool.submit(process_id).result()
    assert worker != os.getpid() and threads == 1


@pytest.mark.parametrize('stop', [KeyboardInterrupt, SystemExit, RuntimeError])
def test_an_error_ends_the_workers_and_what_waits(stop):
    other = multiprocessing.get_context('fork').Process(target=time.sleep, args=(600,))
    other.start()
    with pytest.raises(stop), worker_pool(1, 'depth_refine.utils.parallel') as pool:
        worker, _ = pool.submit(process_id).result()
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
        state = Path(f'/proc/{process}/stat').read_text().rsplit(')', 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != 'Z'


def outlive(seconds):
    """Begin to look at the parent when it is gone; in vain, stay for ten minutes."""
    time.sleep(seconds)
    end_with_parent()
    time.sleep(600)


def start_and_be_killed(seconds):
    multiprocessing.get_context('fork').Process(target=outlive, args=(seconds,)).start()
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize('seconds', [0.0, 0.3])
def test_a_process_ends_with_the_one_that_started_it(seconds):
    ours, theirs = os.pipe()
    parent = multiprocessing.get_context('fork').Process(target=start_and_be_killed, args=(seconds,))
    parent.start()
    parent.join()
    os.close(theirs)
    assert select.select([ours], [], [], 60)[0], 'the child still holds its end of the pipe'
    assert os.read(ours, 1) == b''
    os.close(ours)
