import re

import cv2
import numpy as np
import pytest
from documents import ROOT, blocks
from skeletons import standing_pose

from depth_refine.functional.camera import project
from depth_refine.inference import VideoPoseInferencer, video_pose_inferencer
from depth_refine.inference.people.person_boxes import Boxes, whole_frame
from depth_refine.inference.stages import IntegralFirstStage, SecondStage
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.structures.skeleton import H36M
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
    """Poses (T, 17, 3) and path (T, 3), metres, of a person who moves smoothly."""
    pose = np.random.default_rng(3).uniform(-0.5, 0.5, (17, 3))
    pose -= pose[0]
    turn = 0.6 * np.sin(2 * np.pi * 0.5 * times)
    c, s, zero = np.cos(turn), np.sin(turn), np.zeros_like(turn)
    rotations = np.stack([c, zero, s, zero, zero + 1, zero, -s, zero, c], axis=-1).reshape(-1, 3, 3)
    path = np.stack([0.3 * np.sin(times), 0.1 * times, 4 + 0.5 * np.cos(times)], axis=-1)
    return np.einsum('tij,kj->tki', rotations, pose), path


@pytest.fixture
def true_stages(monkeypatch):
    """Stages that give the exact measurements and poses of :func:`walk`, at 25 frames a second."""

    refined, confidences = [], [0.5]

    def first(self, people):
        for image, _ in people:
            poses, path = walk(np.array([image[0, 0, 0] / 25]))
            pixels = project(poses[0] + path[0], CAMERA)
            confidence = confidences[image[0, 0, 0] % len(confidences)]
            yield np.column_stack([pixels, poses[0][:, 2], np.full((17, 2), confidence)]).astype(np.float32)

    def second(self, measurements, camera):
        refined.append((measurements, camera))
        return walk(np.arange(len(measurements)) / 50)[0].astype(np.float32)

    monkeypatch.setattr(IntegralFirstStage, '__call__', first)
    monkeypatch.setattr(SecondStage, '__call__', second)
    return refined, confidences


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
    ((measurements, camera),) = true_stages[0]
    assert measurements.shape == (79, 17, 5) and camera is result.camera
    np.testing.assert_allclose(measurements[..., 2], walk(np.arange(79) / 50)[0][..., 2], atol=2e-3)


def test_gaps_are_filled_and_marked(inferencer, true_stages):
    refined, true_stages[1][:] = true_stages[0], (0, 0, 0.3, 1)
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
    inputs = refined[0][0]
    assert inputs[..., 3:].min() == 0 and inputs[..., 3:].max() > 0.9, 'no confidence swings below 0'
    tracks = inferencer([*numbered(20), *[None] * 60, *numbered(20)]).tracks
    assert [(track.track_id, *track.frames[[0, -1]]) for track in tracks] == [(0, 0, 19), (1, 80, 99)], 'a long gap'


def test_a_video_that_lies_on_its_side_is_noted(inferencer, monkeypatch):
    upright = project(standing_pose(H36M) + [0, 0, 5], CAMERA)
    for pixels, is_noted in ((upright, False), (upright[:, ::-1], True)):
        found = np.column_stack([pixels, np.full((17, 3), 0.1)]).astype(np.float32)
        monkeypatch.setattr(IntegralFirstStage, '__call__', lambda _, people, found=found: (found for _ in people))
        note = 'Trunks lie or point down in 100 % of the poses. Unless people do: are the frames upright?'
        assert (note in ' '.join(inferencer(numbered(9), fps=50).notes)) == is_noted


@pytest.mark.parametrize(('frames', 'fps'), [(1, 50), (1, 24), (2, 24), (3, 50)])
def test_videos_shorter_than_the_receptive_field(inferencer, frames, fps):
    (track,) = inferencer(numbered(frames), fps=fps).tracks
    assert track.keypoints_3d.shape == track.keypoints_3d_first.shape == (frames, 17, 3)
    for values in (track.keypoints_3d, track.keypoints_3d_first, track.depth, track.scores):
        assert np.isfinite(values).all()


def test_track_ids(inferencer, tmp_path, monkeypatch):
    def measure(self, people):
        """All joints are at the crop's corner, and their depth is read from the image."""
        return (np.float32([[*crop[:2], image[0, 0, 0], 1, 1]] * 17) for image, crop in people)

    monkeypatch.setattr(IntegralFirstStage, '__call__', measure)
    lines = ['frame,x1,y1,x2,y2,track_id']
    for frame in range(12):
        lines += [f'{frame},{frame},5,{frame + 20},60,4', f'{frame},{40 - frame},5,{60 - frame},60,2']
    (tmp_path / 'boxes.csv').write_text('\n'.join([*lines[:5], *lines[6:]]))
    result = inferencer(numbered(12), tmp_path / 'boxes.csv')
    tracks = {track.track_id: track for track in result.tracks}
    assert sorted(tracks) == [2, 4] and np.flatnonzero(tracks[4].is_interpolated).tolist() == [2]
    for track, left in ((tracks[4], np.arange(12)), (tracks[2], 40 - np.arange(12))):
        np.testing.assert_allclose(track.bboxes, np.stack([left, left * 0 + 5, left + 20, left * 0 + 60], axis=1))
        np.testing.assert_allclose(track.keypoints[:, 3], [[x - 2, -0.5] for x in left], atol=1e-5)  # margin 1.2
        np.testing.assert_allclose(track.depth[:, 3], np.arange(12), atol=1e-5)
    assert 'Person 4, interpolated frames in gaps: 1.' in result.notes


def test_no_position_in_space(inferencer, monkeypatch):
    """Joints that all lie on one pixel do not determine the distance; a note says so, and the rest is given."""
    point = np.tile(np.float32([30, 40, 0.1, 0.5, 0.2]), (17, 1))
    monkeypatch.setattr(IntegralFirstStage, '__call__', lambda self, people: (point for _ in people))
    result = inferencer(numbered(5))
    (track,) = result.tracks
    assert track.root is None
    (note,) = (note for note in result.notes if note.startswith('Person 0: no position in space, since '))
    assert 'the 3D pose fits the 2D joints in no frame: expected two or more joints' in note
    # at f * 2 m / box = 1.147 * 97 * 2 / 97 m, where the depths of all joints are the same
    np.testing.assert_allclose(track.keypoints_3d_first, 0, atol=1e-6)


def test_joints_beyond_the_lens_are_counted(inferencer, monkeypatch):
    measured = np.tile(np.float32([50, 36, 0, 1, 1]), (17, 1))
    measured[4, 0] = 160  # the lens model folds over 62 px from the middle
    monkeypatch.setattr(IntegralFirstStage, '__call__', lambda self, people: (measured for _ in people))
    folds, bends = (Intrinsics(INTRINSICS, ('opencv', k1, 0, 0, 0, 0)) for k1 in (-0.5, -0.1))
    said = 'Person 0, joints where the lens distortion folds over, read without distortion: 5 of 85.'
    assert any(note.startswith(said) for note in inferencer(numbered(5), intrinsics=folds).notes)
    assert not any('folds over' in note for note in inferencer(numbered(5), intrinsics=bends).notes)


def test_times_of_a_file(inferencer, write_video, smooth_images, tmp_path):
    times = np.cumsum([0, *np.random.default_rng(2).integers(15, 70, 19)])
    result = inferencer(write_video(tmp_path / 'phone.mp4', smooth_images, times.tolist()))
    np.testing.assert_allclose(np.diff(result.times), np.diff(times) / 1000, atol=1e-4)
    assert (result.video, result.size) == ('phone.mp4', (96, 74))
    assert any('trained at 50' in note for note in result.notes)
    assert result.tracks[0].keypoints_3d.shape == (20, 17, 3)
    assert result.camera_source.startswith('assumed: focal length 110 px')
    assert 'Nobody was looked for: one person is taken to fill every frame.' in result.notes

    slow = inferencer(tmp_path / 'phone.mp4', fps=240)
    assert slow.fps == pytest.approx(240) and any(note.startswith('The file plays at ') for note in slow.notes)
    np.testing.assert_allclose(slow.times, result.times * (19 / 240) / result.times[-1], atol=1e-6)

    at_the_rate_of_training = inferencer(write_video(tmp_path / 'a.mp4', smooth_images, range(0, 400, 20)))
    assert not any('interpolated to that rate' in note for note in at_the_rate_of_training.notes)
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
    late, nobody = result.notes[-2:]
    assert late.startswith('Boxes of late.npz for frames after the last one: 2. ') and nobody == 'No person was found.'


def test_refused_before_the_long_work_and_without_a_frame(inferencer):
    def frames():
        raise AssertionError('read although something else is wrong')
        yield

    with pytest.raises(InputError, match='expected the intrinsics'):
        inferencer(frames(), intrinsics=[1, 2, 3])
    with pytest.raises(InputError, match='expected extrinsics'):
        inferencer(frames(), extrinsics=[])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IntegralFirstStage, '__call__', lambda self, people: frames() if list(people) else ())
        with pytest.raises(InputError, match=r'110 75 px, is far from the middle of the frames, 48\.5 37\.5 px'):
            inferencer(numbered(3), intrinsics=(110, 120, 110, 75))
    for unreadable in ([None, None], []):
        with pytest.raises(InputError, match='frames: not one frame can be read'):
            inferencer(unreadable)


def test_documented_example(stages, causal_stages, write_video, smooth_images, camera, tmp_path, monkeypatch, capsys):
    """With small stages in the place of BlazePose, of the shipped refiner and of the causal one."""

    class Estimator(IntegralFirstStage):
        find_people = staticmethod(whole_frame)

        def __init__(self, model):
            assert model == 'full'
            super().__init__(*stages[:2], 'cpu', 4, amp=False)

    monkeypatch.setattr(video_pose_inferencer, 'BlazePose', Estimator)
    monkeypatch.setattr(video_pose_inferencer, 'shipped_refiner', lambda reads: stages[2:])
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs/refiner_causal_27.py').symlink_to(causal_stages[2])
    write_video('clip.mp4', [cv2.resize(image, (192, 108)) for image in smooth_images], range(0, 400, 20))
    camera(smooth_images[:3])
    (_, example), (_, live_example) = blocks((ROOT / 'docs/your_video.md').read_text(), 'python')
    exec(example, namespace := dict(CHECKPOINT=str(causal_stages[3])))
    with pytest.raises(InputError, match='camera 0 stopped after 3 frames'):
        exec(live_example, namespace)
    poses = namespace['poses']
    assert poses.tracks[0].keypoints_3d.shape == (20, 17, 3)
    np.testing.assert_allclose(poses.camera['f'], 1324 / 1920 * 192)
    assert 'bones get one length' in ' '.join(poses.notes) and poses.camera['k'][0] == 0.1
    assert re.match(r'0\.\d+ \[.*\]\n', capsys.readouterr().out)
