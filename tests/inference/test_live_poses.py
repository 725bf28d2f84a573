import numpy as np
import pytest

from depth_refine.inference import VideoPoseInferencer
from depth_refine.inference.live_poses import LiveRecord
from depth_refine.inference.people.person_boxes import Boxes
from depth_refine.inference.sources.video_source import open_source
from depth_refine.inference.stages import IntegralFirstStage
from depth_refine.structures.camera import make_camera
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.utils.errors import InputError


@pytest.fixture(scope='module')
def causal(causal_stages):
    return VideoPoseInferencer(*causal_stages, device='cpu')


@pytest.fixture(autouse=True)
def lively_first_stage(monkeypatch):
    """A random network measures nearly the same in every frame; these measurements change with the image."""

    def measure(self, people):
        for image, _ in people:
            yield image[:17, :5, 0] / np.float32(255) * np.float32([60, 60, 1, 1, 1])

    monkeypatch.setattr(IntegralFirstStage, '__call__', measure)


def random_frames(count, size=(97, 75)):
    return list(np.random.default_rng(0).integers(0, 256, (count, size[1], size[0], 3), np.uint8))


@pytest.mark.parametrize(('size', 'fps'), [((97, 75), 50), ((75, 97), 50), ((97, 75), 100)])
def test_equals_the_video_as_a_whole(causal, size, fps):
    frames = random_frames(40, size)
    lens = Intrinsics((80, 90, size[0] / 2 - 4, size[1] / 2 + 3), ('opencv', -0.2, 0.1, 0, 0.01, 0))
    (track,) = causal(frames[:: fps // 50], intrinsics=lens).tracks
    live = [frame.people[0] for frame in causal.stream(frames, intrinsics=lens, fps=fps)]
    assert len(live) == 40
    poses = np.stack([person.keypoints_3d for person in live])
    np.testing.assert_allclose(poses[:: fps // 50], track.keypoints_3d, atol=1e-4)
    if fps == 100:  # a frame between two steps of the refiner has the pose of the earlier one
        np.testing.assert_array_equal(poses[1::2], poses[::2])
    else:
        np.testing.assert_allclose([person.keypoints for person in live], track.keypoints, atol=1e-3)
        np.testing.assert_allclose([person.scores for person in live], track.scores, atol=1e-5)


def test_a_record_gives_the_poses_of_the_stream(causal):
    record = LiveRecord(open_source(random_frames(11), 50))
    stream = list(causal.stream(record.video, intrinsics=(80, 90, 48, 37)))
    for live in stream:
        record.add(live)
    result = causal(record, intrinsics=(80, 90, 48, 37))
    (track,) = result.tracks
    assert result.size == (97, 75) and result.video == 'frames' and track.frames.tolist() == list(range(11))
    np.testing.assert_allclose(result.times, [live.frame.time for live in stream])
    np.testing.assert_array_equal(track.keypoints, [live.people[0].keypoints for live in stream])
    np.testing.assert_array_equal(track.depth, [live.people[0].measured[:, 2] for live in stream])
    poses = np.stack([live.people[0].keypoints_3d for live in stream])
    np.testing.assert_allclose(track.keypoints_3d, poses, atol=1e-4)
    assert track.root is not None


def test_slow_streams_are_interpolated(causal):
    """At 25 frames a second, every second step is the mean of its neighbours."""
    frames = random_frames(12)
    live = np.stack([frame.people[0].keypoints_3d for frame in causal.stream(frames, fps=25)])
    measured = np.stack(list(causal.first_stage((image, [0, 0, 97, 75]) for image in frames)))
    steps = np.stack([(measured[step // 2] + measured[(step + 1) // 2]) / 2 for step in range(23)])
    np.testing.assert_allclose(live, causal.second_stage(steps, make_camera((97, 75))[0])[::2], atol=1e-4)


def test_people_come_and_go(causal):
    def detector(frame):
        left, right = [5, 5, 30, 60], [60, 5, 90, 60]
        return Boxes(np.array([left, right] if frame.index < 5 or frame.index > 70 else [right], np.float32))

    frames = random_frames(75)
    frames[40] = None  # a lost frame
    live = list(causal.stream(frames, detector))
    ids = [[0, 1]] * 5 + [[1]] * 35 + [[]] + [[1]] * 30 + [[2, 1]] * 4
    assert [[person.track_id for person in frame.people] for frame in live] == ids
    assert [frame.frame.index for frame in live] == list(range(75)) and all(frame.delay >= 0 for frame in live)


def test_a_camera_is_a_stream_and_not_a_video(causal, stages, camera):
    released = camera(random_frames(3))
    with pytest.raises(InputError, match='no camera 7: is it connected'):
        causal.stream(7)
    with pytest.raises(InputError, match=r'camera 0 never ends: use stream\(\)'):
        causal(0)
    with pytest.raises(InputError, match=r'needs a causal TemporalConvNet.*configs/refiner_causal_27\.py'):
        next(VideoPoseInferencer(*stages, device='cpu').stream(random_frames(2)))
    live = []
    with pytest.raises(InputError, match='camera 0 stopped after 3 frames: is it still connected'):
        live.extend(causal.stream(0))
    assert released == [0]
    assert live and live[-1].frame.index == 2, 'frames that come too fast are dropped, but not the newest'
    assert all(len(frame.people) == 1 and 0 < frame.delay < 60 for frame in live)
