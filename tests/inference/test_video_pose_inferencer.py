import numpy as np
import pytest

from depth_refine.functional.camera import project
from depth_refine.inference import VideoPoseInferencer
from depth_refine.inference.person_boxes import Boxes
from depth_refine.inference.stages import FirstStage, SecondStage
from depth_refine.utils.errors import InputError

INTRINSICS = (110.0, 120.0, 50.0, 36.0)
CAMERA = dict(f=np.array([[110.0], [120]]), c=np.array([[50.0], [36]]), k=np.zeros((3, 1)), p=np.zeros((2, 1)))


@pytest.fixture(scope='module')
def inferencer(stages):
    return VideoPoseInferencer(*stages, device='cpu', batch_size=4)


def numbered(frames):
    """Frames of 97 x 75 px whose grey value is their number."""
    return [np.full((75, 97), number, np.uint8) for number in range(frames)]


def walk(times):
    """Poses (T, 17, 3) and path (T, 3) of someone who moves smoothly, metres."""
    pose = np.random.default_rng(3).uniform(-0.5, 0.5, (17, 3))
    pose -= pose[0]
    turn = 0.6 * np.sin(2 * np.pi * 0.5 * times)
    c, s, zero = np.cos(turn), np.sin(turn), np.zeros_like(turn)
    rotations = np.stack([c, zero, s, zero, zero + 1, zero, -s, zero, c], axis=-1).reshape(-1, 3, 3)
    path = np.stack([0.3 * np.sin(times), 0.1 * times, 4 + 0.5 * np.cos(times)], axis=-1)
    return np.einsum('tij,kj->tki', rotations, pose), path


@pytest.fixture
def true_stages(monkeypatch):
    """In the place of the networks: measurements and poses of :func:`walk` at 25 frames a second, free of errors."""

    class TrueStages:
        crops, refined, confidences = [], [], [0.5]

    def first(self, people):
        for image, bbox in people:
            TrueStages.crops.append(bbox)
            poses, path = walk(np.array([image[0, 0, 0] / 25]))
            pixels = project(poses[0] + path[0], CAMERA)
            confidence = TrueStages.confidences[image[0, 0, 0] % len(TrueStages.confidences)]
            yield np.column_stack([pixels, poses[0][:, 2], np.full((17, 2), confidence)]).astype(np.float32)

    def second(self, measurements, camera):
        TrueStages.refined.append((measurements, camera))
        return walk(np.arange(len(measurements)) / 50)[0].astype(np.float32)

    monkeypatch.setattr(FirstStage, '__call__', first)
    monkeypatch.setattr(SecondStage, '__call__', second)
    return TrueStages


def test_exact_stages_give_exact_poses_in_space(inferencer, true_stages):
    times = np.arange(40) / 25
    result = inferencer(numbered(40), intrinsics=INTRINSICS, fps=25, smooth=0)
    poses, path = walk(times)
    (track,) = result.tracks
    assert (result.size, result.fps, result.camera_source) == ((97, 75), 25, 'given')
    np.testing.assert_allclose(result.times, times)
    np.testing.assert_array_equal(track.frames, np.arange(40))
    assert not track.is_interpolated.any()
    np.testing.assert_allclose(track.depth, poses[..., 2], atol=1e-6)
    np.testing.assert_allclose(track.keypoints, project(poses + path[:, None], CAMERA), atol=1e-4)
    np.testing.assert_allclose(track.keypoints_3d, poses, atol=2e-3)
    np.testing.assert_allclose(track.root, path, atol=0.01)
    np.testing.assert_allclose(track.keypoints_3d_first, poses, atol=5e-3)
    ((measurements, camera),) = true_stages.refined
    assert measurements.shape == (79, 17, 5) and camera is result.camera
    np.testing.assert_allclose(measurements[..., 2], walk(np.arange(79) / 50)[0][..., 2], atol=2e-3)
    assert any('trained at 50 frames a second: its inputs are interpolated' in note for note in result.notes)


def test_resampled_confidences_stay_above_zero(inferencer, true_stages):
    true_stages.confidences[:] = 0, 0, 0.3, 1
    (track,) = inferencer(numbered(40), intrinsics=INTRINSICS, fps=25).tracks
    ((inputs, _),) = true_stages.refined
    assert inputs[..., 3:].min() == 0 and inputs[..., 3:].max() > 0.9 and track.root is not None


def test_gaps_are_filled_and_marked(inferencer, true_stages):
    frames = numbered(30)
    frames[10:14] = [None] * 4
    result = inferencer(frames, intrinsics=INTRINSICS, fps=25)
    (track,) = result.tracks
    assert np.flatnonzero(track.is_interpolated).tolist() == [10, 11, 12, 13]
    share = np.arange(1, 5)[:, None, None] / 5
    expected = track.keypoints[9] * (1 - share) + track.keypoints[14] * share
    np.testing.assert_allclose(track.keypoints[10:14], expected, atol=1e-3)
    assert 'Frames that cannot be read and are gaps: 4, numbers 10, 11, 12, 13.' in result.notes
    assert 'Person 0, interpolated frames in gaps: 4.' in result.notes


def test_long_gaps_end_a_track(inferencer):
    tracks = inferencer([*numbered(20), *[None] * 60, *numbered(20)]).tracks
    assert [track.track_id for track in tracks] == [0, 1]
    assert [track.frames.tolist() for track in tracks] == [list(range(20)), list(range(80, 100))]


def test_boxes_get_their_margin(inferencer, true_stages):
    given = np.array([[10, 20, 30, 60], [-20, 0, 20, 50], [97, 0, 120, 50]], np.float32)
    result = inferencer(numbered(6), lambda frame: Boxes(given))
    np.testing.assert_allclose(true_stages.crops[:2], [[8, 16, 32, 64], [-2, -5, 22, 55]], atol=1e-4)
    assert [track.track_id for track in result.tracks] == [0, 1]
    np.testing.assert_array_equal(result.tracks[1].bboxes, [[0, 0, 20, 50]] * 6)
    assert 'Boxes that reached beyond the image and were cut at its edges: 6.' in result.notes


@pytest.mark.parametrize('frames', [1, 2, 3])
@pytest.mark.parametrize('fps', [50, 24])
def test_videos_shorter_than_the_receptive_field(inferencer, frames, fps):
    (track,) = inferencer(numbered(frames), fps=fps).tracks
    assert track.keypoints_3d.shape == track.keypoints_3d_first.shape == (frames, 17, 3)
    for values in (track.keypoints_3d, track.keypoints_3d_first, track.depth, track.scores):
        assert np.isfinite(values).all()


def test_who_is_who(inferencer, tmp_path):
    """Numbers from a file stay; a detector's boxes are tracked, and one that flickers is dropped."""
    lines = ['frame,x1,y1,x2,y2,track_id']
    for frame in range(12):
        lines += [f'{frame},{frame},5,{frame + 20},60,4', f'{frame},{40 - frame},5,{60 - frame},60,2']
    (tmp_path / 'boxes.csv').write_text('\n'.join(lines))
    tracks = {track.track_id: track for track in inferencer(numbered(12), tmp_path / 'boxes.csv').tracks}
    assert sorted(tracks) == [2, 4]
    np.testing.assert_array_equal(tracks[4].bboxes[:, 0], np.arange(12))

    def detector(frame):
        found = [[frame.index, 5, frame.index + 20, 60], [60, 5, 80, 60]]
        return Boxes(np.array(found if frame.index == 7 else found[:1], np.float32))

    result = inferencer(numbered(30), detector)
    assert [len(track.frames) for track in result.tracks] == [30]
    assert 'Tracks of fewer than 10 frames, dropped as noise: 1.' in result.notes


def test_no_position_in_space(inferencer, monkeypatch):
    """Joints that all lie on one pixel tell no distance; that is said, and the rest is there."""
    point = np.tile(np.float32([30, 40, 0.1, 0.5, 0.2]), (17, 1))
    monkeypatch.setattr(FirstStage, '__call__', lambda self, people: (point for _ in people))
    result = inferencer(numbered(5))
    (track,) = result.tracks
    assert track.root is None
    assert any(note.startswith('Person 0: no position in space, since none of 5 frames tells') for note in result.notes)
    # at f * 2 m / box = 1.147 * 97 * 2 / 97 m, where the depths of all joints are the same
    np.testing.assert_allclose(track.keypoints_3d_first, 0, atol=1e-6)


def test_times_of_a_file(inferencer, write_video, pictures, tmp_path):
    times = np.cumsum([0, *np.random.default_rng(2).integers(15, 70, 19)])
    result = inferencer(write_video(tmp_path / 'phone.mp4', pictures, times.tolist()))
    np.testing.assert_allclose(np.diff(result.times), np.diff(times) / 1000, atol=1e-4)
    assert (result.video, result.size) == ('phone.mp4', (96, 74))
    assert any('trained at 50' in note for note in result.notes)
    assert result.tracks[0].keypoints_3d.shape == (20, 17, 3)
    assert result.camera_source.startswith('assumed: focal length 110 px')
    assert 'Nobody was looked for: one person is taken to fill every frame.' in result.notes

    at_the_rate_of_training = inferencer(write_video(tmp_path / 'a.mp4', pictures, range(0, 400, 20)))
    assert not any('trained' in note for note in at_the_rate_of_training.notes)
    (track,) = at_the_rate_of_training.tracks
    columns = track.depth, track.scores, track.depth_std
    measured = np.concatenate([track.keypoints, *(column[..., None] for column in columns)], axis=-1)
    refined = inferencer.second_stage(measured, at_the_rate_of_training.camera)
    np.testing.assert_allclose(track.keypoints_3d, refined, atol=1e-6)


def test_nobody(inferencer, tmp_path):
    result = inferencer(numbered(5), lambda frame: Boxes(np.empty((0, 4), np.float32)))
    assert result.tracks == [] and result.notes[-1] == 'No person was found.' and len(result.times) == 5
    np.savez(tmp_path / 'late.npz', frame=[7, 8], bbox=[[1, 2, 30, 40]] * 2)
    result = inferencer(numbered(5), tmp_path / 'late.npz')
    assert result.notes[-2:] == ['Boxes of late.npz for frames after the last one: 2.', 'No person was found.']


def test_world_frame(inferencer):
    extrinsics = dict(R=[[0, 0, 1], [-1, 0, 0], [0, -1, 0]], T=[1, 2, 3])
    camera = inferencer(numbered(2), extrinsics=extrinsics).camera
    assert camera['T'].ravel().tolist() == [1, 2, 3] and camera['R'][0].tolist() == [0, 0, 1]
    assert 'R' not in inferencer(numbered(2)).camera


def test_refused_before_the_long_work(inferencer, tmp_path):
    def frames():
        raise AssertionError('read although something else is wrong')
        yield

    with pytest.raises(InputError, match='expected the intrinsics'):
        inferencer(frames(), intrinsics=[1, 2, 3])
    with pytest.raises(InputError, match='no file of boxes'):
        inferencer(frames(), tmp_path / 'absent.csv')


@pytest.mark.parametrize('frames', [[None, None], []])
def test_no_frame_can_be_read(inferencer, frames):
    with pytest.raises(InputError, match='frames: not one frame can be read'):
        inferencer(frames)
