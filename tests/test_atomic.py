import pytest

from depth_refine.atomic import whole_file, whole_folder
from depth_refine.errors import InputError


def test_file_appears_at_the_end_and_replaces_the_old_one(tmp_path):
    path = tmp_path / 'new' / 'picture.png'
    for content in ('one', 'two'):
        with whole_file(path) as partial:
            partial.write_text(content)
            assert partial.suffix == '.png' and partial.parent == path.parent
            assert not path.exists() or path.read_text() == 'one'
        assert path.read_text() == content
    assert [file.name for file in path.parent.iterdir()] == ['picture.png']


def test_failure_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / 'picture.png'
    path.write_text('old')
    with pytest.raises(RuntimeError, match='broken'), whole_file(path) as partial:
        partial.write_text('half')
        raise RuntimeError('broken')
    assert path.read_text() == 'old'
    assert [file.name for file in tmp_path.iterdir()] == ['picture.png']


def test_folder_appears_at_the_end(tmp_path):
    path = tmp_path / 'new/folder'
    with whole_folder(path) as partial:
        (partial / 'a').write_text('one')
        assert not path.exists()
    assert (path / 'a').read_text() == 'one' and path.stat().st_mode & 0o777 == 0o755
    assert [file.name for file in path.parent.iterdir()] == ['folder']


def test_failure_leaves_no_folder(tmp_path):
    with pytest.raises(RuntimeError, match='broken'), whole_folder(tmp_path / 'folder') as partial:
        (partial / 'a').write_text('half')
        raise RuntimeError('broken')
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='folder cannot be made'), whole_folder(tmp_path / 'file/folder'):
        pass
