"""Storage that fails: too small, not writable, taken away."""

import os
import re
import shutil
import time

import pytest

KILOBYTE = 1000


def one_message(printed):
    """The last line, which says what is wrong."""
    assert 'Traceback' not in printed, printed[-3000:]
    message = printed.strip().splitlines()[-1]
    assert message.startswith('error: ')
    return message


@pytest.mark.parametrize(
    ('name', 'most_bytes'), [('synthetic', 5), ('preparation', 5), ('extraction', 5), ('first_stage', 200)]
)
def test_no_room(name, most_bytes, request, server, tmp_path):
    job, out = request.getfixturevalue(name), tmp_path / 'out'
    status, printed, _ = server.run(*job.command(out), most_bytes=most_bytes * KILOBYTE)
    assert status == 1 and 'File too large' in one_message(printed) and f'{tmp_path}/' in one_message(printed)
    expected = server.finished(job.out)
    assert server.finished(out).items() <= expected.items() and len(server.finished(out)) < len(expected)
    assert not list(tmp_path.rglob('*partial*'))


@pytest.mark.parametrize('name', ['preparation', 'first_stage', 'table'])
def test_not_writable(name, request, server, tmp_path):
    (tmp_path / 'file').write_text('mine')
    status, printed, _ = server.run(*request.getfixturevalue(name).command(tmp_path / 'file/out'))
    assert status == 1 and re.search(f'{tmp_path}/file.*: (Not a directory|File exists)', one_message(printed))
    assert (tmp_path / 'file').read_text() == 'mine'


def test_a_store_removed_while_it_is_read(server, second_stage, extraction, tmp_path):
    stores, out = shutil.copytree(extraction.out, tmp_path / 'stores'), tmp_path / 'out'
    command = [str(part).replace(str(extraction.out), str(stores)) for part in second_stage.command(out)]
    process, output = server.start(*command)
    while not server.losses_of(out):
        time.sleep(0.002)
    shutil.rmtree(stores)
    assert not (out / 'epoch_3.pth').exists()
    assert server.wait(process)[0] == 0, output.read_text()[-3000:]
    assert server.losses_of(out) == server.losses_of(second_stage.out)


def test_a_store_has_its_space_before_it_is_filled(extraction):
    """Without that, a write to the mapped array on a full disk would end the process without a message."""
    for path in extraction.out.rglob('*.npy'):
        assert os.stat(path).st_blocks * 512 >= path.stat().st_size
