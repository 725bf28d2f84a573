import pytest

from depth_refine.data_tools.preparation.output import open_workspace
from depth_refine.utils.errors import InputError

FULL = 'full frames'


def refused(message, *arguments, **options):
    with pytest.raises(InputError, match=message), open_workspace(*arguments, **options):
        pass


def test_one_run_at_a_time(tmp_path):
    leftover = tmp_path / 'images/S1/.S1_Eating.1.partial'
    for _ in range(2):
        with open_workspace(tmp_path, FULL, makes_images=True):
            leftover.mkdir(parents=True)  # of a killed worker process
            refused('another run is preparing .*: wait for its end, or give another folder', tmp_path, FULL, True)
        assert not leftover.exists()


def test_folders_of_others_and_of_another_kind(tmp_path):
    (tmp_path / 'images').mkdir()
    refused('images was not made by this tool: give another folder', tmp_path, FULL, makes_images=True)
    with open_workspace(tmp_path, FULL, makes_images=False):
        pass
    refused('was begun with full frames, not with person crops: give', tmp_path, 'person crops', makes_images=False)
    (tmp_path / 'file').write_text('')
    refused('file/out/.preparation cannot be made: Not a directory', tmp_path / 'file/out', FULL, makes_images=True)
