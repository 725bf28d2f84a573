"""Processes that work for or with another, killed."""

import os
import re
import signal
import socket
import time
from pathlib import Path


def children(process):
    return [int(child) for child in Path(f'/proc/{process}/task/{process}/children').read_text().split()]


def test_a_worker_of_the_data_loader(server, first_stage, tmp_path):
    process, output = server.start(*first_stage.command(tmp_path))
    while not server.losses_of(tmp_path):
        time.sleep(0.002)
    while server.computed(process) < float('inf'):
        for worker in children(process):
            os.kill(worker, signal.SIGKILL)
        time.sleep(0.002)
    assert server.wait(process)[0] == 1
    # What PyTorch's signal handler raises within a __del__, Python prints and ignores.
    ignored = r'Exception ignored in: .*?\nRuntimeError: DataLoader worker .*?\n'
    printed = re.sub(ignored, '', output.read_text(), flags=re.DOTALL)
    assert 'Traceback' not in printed, printed[-3000:]
    assert printed.strip().splitlines()[-1].startswith('error: a worker process of the data loader was killed (')


def ranks(server, command):
    """Start two processes that train together."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    variables = dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port), WORLD_SIZE='2')
    command = [*command[:2], '--launcher', 'pytorch', *command[2:]]
    return [server.start(*command, **variables, RANK=str(rank), LOCAL_RANK=str(rank)) for rank in range(2)]


def test_one_of_two_ranks(server, second_stage, tmp_path):
    uninterrupted, out = tmp_path / 'uninterrupted', tmp_path / 'out'
    for process, output in ranks(server, second_stage.command(uninterrupted)):
        assert server.wait(process)[0] == 0, output.read_text()[-3000:]

    (first, output), (second, _) = ranks(server, second_stage.command(out))
    while not (out / 'epoch_1.pth').exists():
        time.sleep(0.002)
    os.kill(second, signal.SIGKILL)
    server.wait(second)
    killed = time.monotonic()
    while server.computed(first) < float('inf') and time.monotonic() < killed + 60:
        time.sleep(0.01)
    os.kill(first, signal.SIGKILL)  # in vain if it has ended
    assert server.wait(first)[0] == 1
    assert 'error: another process of this run has ended' in output.read_text().strip().splitlines()[-1]

    for process, output in ranks(server, second_stage.command(out)):
        assert server.wait(process)[0] == 0, output.read_text()[-3000:]
    assert server.finished(out) == server.finished(uninterrupted)
