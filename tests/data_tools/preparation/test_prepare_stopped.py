"""The disk is full, or the process is killed; then the same call again."""

import errno
import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from depth_refine.data_tools.preparation import frames
from depth_refine.data_tools.preparation.prepare import prepare_h36m
from depth_refine.utils.errors import InputError


@pytest.mark.parametrize('place', ['image', 'annotation'])
def test_the_disk_is_full_half_way(digests, raw, prepared, tmp_path, monkeypatch, place):
    out = tmp_path / 'out'

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if place == 'image':
            encode, calls = frames._encode, []
            patch.setattr(
                frames, '_encode', lambda image: calls.append(1) or (encode(image) if len(calls) < 30 else fail())
            )
        else:
            patch.setattr(np.lib.format, 'write_array_header_1_0', fail)
        with pytest.raises(
            InputError, match=r'stopped, the disk is full: make room\. What is finished in .*out stays; '
        ):
            prepare_h36m(raw, out, steps=[1, 3], workers=1)
    left = digests(out)
    assert left and left.items() <= digests(prepared[0]).items(), 'only finished files are left'
    prepare_h36m(raw, out, steps=[1, 3], workers=1)
    assert digests(out) == digests(prepared[0])


def test_killed_and_run_again(digests, raw, prepared, tmp_path):
    """The process is killed when a first, when most images are there, and while annotations are written."""
    out = tmp_path / 'out'
    context = multiprocessing.get_context('forkserver')
    for marker in ('images/S1/S1_*', 'images/S11/S11_*', 'annotation_body3d/*'):
        process = context.Process(target=prepare_h36m, args=(raw, out, (1, 3)), kwargs=dict(workers=1))
        process.start()
        while process.is_alive() and not list(out.glob(marker)):
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert list(out.glob(marker))
    prepare_h36m(raw, out, steps=[1, 3], workers=1)
    assert digests(out) == digests(prepared[0])
