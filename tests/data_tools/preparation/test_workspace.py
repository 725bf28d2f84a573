import multiprocessing

import pytest

from depth_refine.data_tools.preparation.workspace import open_workspace
from depth_refine.utils.errors import InputError

FULL, CROPS = 'full frames', 'person crops'


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


def hold(out, ready, stop):
    with open_workspace(out, FULL, makes_images=True):
        ready.set()
        stop.wait()


def test_one_run_at_a_time(tmp_path):
    context = multiprocessing.get_context('fork')
    ready, stop = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, ready, stop))
    other.start()
    ready.wait()
    try:
        with (
            pytest.raises(InputError, match=r'another run is preparing .*: wait for its end, or give another folder'),
            open_workspace(tmp_path, FULL, makes_images=True),
        ):
            pass
    finally:
        stop.set()
        other.join()
    with open_workspace(tmp_path, FULL, makes_images=True):
        pass


@pytest.mark.parametrize(('first', 'second'), [(FULL, CROPS), (CROPS, FULL)])
def test_crops_and_full_frames_are_not_mixed(tmp_path, first, second):
    with open_workspace(tmp_path, first, makes_images=True):
        pass
    with (
        pytest.raises(InputError, match=f'was begun with {first}, not with {second}: give another folder'),
        open_workspace(tmp_path, second, makes_images=False),
    ):
        pass
    with open_workspace(tmp_path, first, makes_images=False):
        pass


def test_images_of_another_tool(tmp_path):
    (tmp_path / 'images').mkdir()
    with (
        pytest.raises(InputError, match=r'images was not made by this tool: give another folder'),
        open_workspace(tmp_path, FULL, makes_images=True),
    ):
        pass
    with open_workspace(tmp_path, FULL, makes_images=False):
        pass


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').write_text('')
    with (
        pytest.raises(InputError, match=r'file/out/.preparation cannot be made: Not a directory'),
        open_workspace(tmp_path / 'file/out', FULL, makes_images=True),
    ):
        pass
