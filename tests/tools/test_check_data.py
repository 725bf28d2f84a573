import cv2
import pytest


@pytest.fixture
def run(tmp_path, monkeypatch, run_tool):
    """Run the tool in an empty folder; returns its exit status or message, and its output."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        ended = run_tool('check_data', *arguments)
        return ended.status, ended.out.splitlines()

    return run


def test_list_picture_and_status(run, data_root, tmp_path):
    status, (*lines, last) = run(data_root, '--seed', 3)
    assert status == 0
    assert 'ok      annotation_body3d/cameras.pkl: 8 cameras of 2 subjects' in lines
    assert 'ok      check_data.png: 12 random frames: see that rings and crosses coincide on the joints' in lines
    notes = sum(line.startswith('note    ') for line in lines)
    assert notes >= 2 and last == f'problems: 0, notes: {notes}'
    assert cv2.imread(str(tmp_path / 'check_data.png')) is not None


def test_problems_give_a_status(run, tmp_path):
    status, lines = run(tmp_path, '--picture', 'a.png', '--coco', tmp_path)
    assert status == 1
    assert lines[0].startswith('problem annotation_body3d: no annotation')
    assert lines[-1] == 'problems: 3, notes: 0'
    assert list(tmp_path.iterdir()) == []
