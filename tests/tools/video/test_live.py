import signal

import cv2
import numpy as np
import pytest
from video.live import record, shown

from depth_refine.inference.live_poses import LiveFrame, LivePerson
from depth_refine.inference.sources.video_file import BrokenOff
from depth_refine.inference.sources.video_source import Frame, VideoSource, open_source
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

SIZE = 97, 75  # odd, while H.264 needs even sizes
TIMES = np.cumsum([0, *np.random.default_rng(0).uniform(0.02, 0.2, 9)])


def frames(count=10, error=None):
    """Frames of growing brightness, the third without an image; a person in all but the first."""
    measured = np.random.default_rng(1).uniform(0, 70, (17, 5))
    for number, time in enumerate(TIMES[:count]):
        image = None if number == 2 else np.full((SIZE[1], SIZE[0], 3), 20 * number, np.uint8)
        person = LivePerson(4, np.array([1, 2, 30, 40]), measured + number, measured[:, :3] / 100)
        yield LiveFrame(Frame(number, time, image), [person] if number and image is not None else [], 0.01)
    if error is not None:
        raise error


@pytest.fixture
def window(monkeypatch):
    """A mock window, and the keys that are pressed at each frame."""
    keys = []
    monkeypatch.setattr(cv2, 'imshow', lambda name, image: None)
    monkeypatch.setattr(cv2, 'waitKey', lambda wait: keys.pop(0) if keys else -1)
    return keys


def check(kept, path, count):
    """Times, people and images of the frames that have an image."""
    numbers = [number for number in range(count) if number != 2]
    seen = kept.observations(17)
    np.testing.assert_array_equal(seen.times, TIMES[numbers])
    assert seen.size == SIZE and seen.frames.tolist() == list(range(1, len(numbers))) and set(seen.ids) == {4}
    np.testing.assert_allclose(
        seen.measurements[:, 0, 0] - seen.measurements[0, 0, 0], np.array(numbers[1:]) - 1, rtol=1e-5
    )
    recording = list(open_source(path))
    np.testing.assert_allclose([frame.time for frame in recording], seen.times, atol=2e-5)
    assert recording[0].image.shape == (76, 98, 3)
    for frame, number in zip(recording, numbers, strict=True):
        np.testing.assert_allclose(frame.image[:75, :97].mean(), 20 * number, atol=3)


@pytest.mark.parametrize('end', ['stream', 'q', 'Ctrl-C', 'broken off'])
def test_nothing_is_lost(window, tmp_path, end):
    video, count, before = VideoSource('camera 0', is_live=True), 10, signal.getsignal(signal.SIGINT)
    stream = frames(error=BrokenOff('camera 0 stopped after 10 frames') if end == 'broken off' else None)
    if end == 'q':
        window += [-1] * 6 + [ord('q')]
        count = 7
    live = shown(stream, H36M, is_recorded=True)

    def interrupted():
        for number, frame in enumerate(live):
            if number == 4:
                signal.raise_signal(signal.SIGINT)
            yield frame

    kept = record(interrupted() if end == 'Ctrl-C' else live, video, tmp_path / 'a.mp4')
    check(kept, tmp_path / 'a.mp4', 5 if end == 'Ctrl-C' else count)
    assert video.notes == ['The recording ends early: camera 0 stopped after 10 frames'] * (end == 'broken off')
    live.close()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interruption_is_one(window, request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    with pytest.raises(KeyboardInterrupt):
        for _ in shown(frames(), H36M, is_recorded=True):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)


def test_without_a_display_and_other_errors(monkeypatch, tmp_path, capsys):
    def no_display(name, image):
        raise cv2.error('The function is not implemented')

    monkeypatch.setattr(cv2, 'imshow', no_display)
    video = VideoSource('camera 0', is_live=True)
    kept = record(shown(frames(), H36M, is_recorded=True), video, tmp_path / 'a.mp4')
    check(kept, tmp_path / 'a.mp4', 10)
    assert capsys.readouterr().out == 'no display: nothing is shown; Ctrl-C ends the recording\n'
    with pytest.raises(InputError, match='a camera needs a window, or --out'):
        next(shown(frames(), H36M, is_recorded=False))
    with pytest.raises(InputError, match='intrinsics'):
        record(frames(error=InputError('other intrinsics')), video, tmp_path / 'b.mp4')
    assert not (tmp_path / 'b.mp4').exists()
