import errno
import multiprocessing
import time
from contextlib import suppress

import pytest

from depth_refine.utils import atomic
from depth_refine.utils.atomic import whole_file, whole_folder
from depth_refine.utils.errors import InputError


def names_below(folder):
    return sorted(path.name for path in folder.rglob('*'))


def test_file_appears_at_the_end_and_replaces_the_old_one(tmp_path):
    path = tmp_path / 'new' / 'figure.png'
    for content in ('one', 'two'):
        with whole_file(path) as partial:
            partial.write_text(content)
            assert partial.name == path.name
            assert not path.exists() or path.read_text() == 'one'
        assert path.read_text() == content
    assert names_below(path.parent) == ['figure.png']


def test_folder_appears_at_the_end(tmp_path):
    path = tmp_path / 'new/folder'
    with whole_folder(path) as partial:
        (partial / 'a').write_text('one')
        assert not path.exists()
    assert names_below(path.parent) == ['a', 'folder'] and path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize('whole', [whole_file, whole_folder])
def test_failure_leaves_things_as_they_were(tmp_path, whole):
    (tmp_path / 'a').write_text('old')
    with pytest.raises(RuntimeError, match='broken'), whole(tmp_path / 'a') as partial:
        (partial if whole is whole_file else partial / 'b').write_text('half')
        raise RuntimeError('broken')
    assert names_below(tmp_path) == ['a'] and (tmp_path / 'a').read_text() == 'old'


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='folder cannot be made'), whole_folder(tmp_path / 'file/folder'):
        pass


def write_and_wait(path, started):
    with whole_folder(path) as folder:
        (folder / 'a').write_text('half')
        multiprocessing.get_context('fork').Process(target=time.sleep, args=(10,), daemon=True).start()
        started.set()
        time.sleep(60)


@pytest.fixture
def other_process(tmp_path):
    """A process in the middle of writing ``folder``, which has a process of its own that outlives it."""
    context = multiprocessing.get_context('fork')
    started = context.Event()
    process = context.Process(target=write_and_wait, args=(tmp_path / 'folder', started))
    process.start()
    started.wait()
    yield process
    process.kill()
    process.join()


@pytest.mark.posix
def test_what_another_process_writes(tmp_path, other_process):
    """Is left to it while it lives, and removed when it was killed."""
    busy = pytest.raises(InputError, match=r'another process is writing .*/folder: wait for its end, or give another')
    with busy, whole_folder(tmp_path / 'folder'):
        pass
    assert names_below(tmp_path) == ['.folder.partial', 'a', 'content', 'lock']
    other_process.kill()
    other_process.join()
    assert names_below(tmp_path) == ['.folder.partial', 'a', 'content', 'lock']
    with whole_folder(tmp_path / 'folder') as partial:
        assert not list(partial.iterdir())
    assert names_below(tmp_path) == ['folder']


def write_often(path, content):
    for _ in range(100):
        with suppress(InputError), whole_file(path) as partial:  # refused while another process writes
            partial.write_text(content * 1000)


@pytest.mark.posix
def test_processes_that_write_the_same_again_and_again(tmp_path):
    """Each write is whole or refused; nothing else happens, and nothing is left."""
    context = multiprocessing.get_context('fork')
    processes = [context.Process(target=write_often, args=(tmp_path / 'a', content)) for content in 'xyz']
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert names_below(tmp_path) == ['a'] and (tmp_path / 'a').read_text() in ('x' * 1000, 'y' * 1000, 'z' * 1000)


def test_leftovers_beside_a_file(tmp_path):
    hidden = tmp_path / '.figure.png.partial'
    (hidden / 'folder').mkdir(parents=True)
    (tmp_path / 'mine').mkdir()
    (hidden / 'figure.png').write_text('half')
    (hidden / 'link').symlink_to(tmp_path / 'mine')
    with whole_file(tmp_path / 'figure.png') as partial:
        assert not partial.exists()
        partial.write_text('whole')
    assert names_below(tmp_path) == ['figure.png', 'mine']


def test_a_full_disk_names_the_file(tmp_path):
    path = tmp_path / 'figure.png'
    with pytest.raises(OSError, match=r'No space left on device: .*/figure.png') as error, whole_file(path) as partial:
        partial.symlink_to('/dev/full')
        partial.write_text('one')
    assert error.value.errno == errno.ENOSPC and not list(tmp_path.iterdir())


def test_file_systems_without_locks_are_used_without(tmp_path, monkeypatch):
    def acquire(self):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(atomic.FileLock, 'acquire', acquire)
    with whole_file(tmp_path / 'a') as partial:
        partial.write_text('one')
    assert names_below(tmp_path) == ['a']
