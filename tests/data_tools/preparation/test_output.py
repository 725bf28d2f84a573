import pytest

from depth_refine.data_tools.preparation.output import open_workspace
from depth_refine.utils.errors import InputError

FULL = 'full frames'


def refused(message, *arguments, **options):
    with pytest.raises(InputError, match=message), open_workspace(*arguments, **options):
        pass


def test_half_written_leftovers_are_cleared_and_nothing_else(tmp_path):
    leftovers = [
        'images/S1/.S1_Eating.1.partial/x.jpg', '.preparation/unpacked/.S1.tgz-5.partial/S1/x.cdf',
        'images/S1/.S1_Eating.1.partial-outdated/x.jpg',
        'annotation_body3d/.cameras.pkl.partial/x', 'annotation_body3d/fps50/.h36m_train.npz.partial/x',
    ]  # fmt: skip
    kept = [
        'images/S1/S1_Eating.1/x.jpg', '.preparation/unpacked/S1.tgz-5/x.cdf', '.preparation/image_kind',
        'annotation_body3d/cameras.pkl', '.mine.partial-1/x',
    ]  # fmt: skip
    for name in leftovers + kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(FULL)
    with open_workspace(tmp_path, FULL, makes_images=True) as workspace:
        assert workspace == tmp_path / '.preparation'
        found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*') if path.is_file()}
        assert found == {*kept, '.preparation/lock'}
        assert not (tmp_path / 'images/S1/.S1_Eating.1.partial').exists()
        (tmp_path / leftovers[0]).parent.mkdir()  # of a worker process that was ended
    assert not (tmp_path / leftovers[0]).parent.exists()


def test_one_run_at_a_time(tmp_path):
    for _ in range(2):
        with open_workspace(tmp_path, FULL, makes_images=True):
            refused('another run is preparing .*: wait for its end, or give another folder', tmp_path, FULL, True)


def test_folders_of_others_and_of_another_kind(tmp_path):
    (tmp_path / 'images').mkdir()
    refused('images was not made by this tool: give another folder', tmp_path, FULL, makes_images=True)
    with open_workspace(tmp_path, FULL, makes_images=False):
        pass
    refused('was begun with full frames, not with person crops: give', tmp_path, 'person crops', makes_images=False)
    (tmp_path / 'file').write_text('')
    refused('file/out/.preparation cannot be made: Not a directory', tmp_path / 'file/out', FULL, makes_images=True)
