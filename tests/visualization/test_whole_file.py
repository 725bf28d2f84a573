import pytest

from depth_refine.visualization.whole_file import whole_file


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
