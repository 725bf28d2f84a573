import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.visualization.overlay import checked_frames, draw_overlay, person_color, position_of
from depth_refine.visualization.pose_frame import SIDE_COLORS

SCALE = 6


def _pixels(picture, rgb, tolerance=0):
    return np.argwhere(np.abs(picture.astype(int) - rgb[::-1]).max(axis=-1) <= tolerance)[:, ::-1]


def _draw(poses, frame):
    """Over a black picture, six times as large as the video."""
    picture = np.zeros((62 * SCALE, 97 * SCALE, 3), np.uint8)
    draw_overlay(picture, poses, frame)
    return picture


def test_joints_are_where_they_are_in_the_image(video_poses):
    picture, track = _draw(video_poses, 2), video_poses.tracks[0]
    expected = (track.keypoints[2] + 0.5) * SCALE - 0.5
    drawn = _pixels(picture, person_color(track))
    for point in expected:
        assert np.linalg.norm(drawn - point, axis=1).min() < 1.5
    left_forearm = expected[[12, 13]].mean(axis=0)
    assert np.linalg.norm(_pixels(picture, SIDE_COLORS['left']) - left_forearm, axis=1).min() < 1.5
    right_forearm = expected[[15, 16]].mean(axis=0)
    assert np.linalg.norm(_pixels(picture, SIDE_COLORS['right']) - right_forearm, axis=1).min() < 1.5


def test_people_have_their_own_colors_and_only_their_own_frames(video_poses):
    colors = [person_color(track) for track in video_poses.tracks]
    assert colors[0] != colors[1]
    found = {
        frame: [len(_pixels(_draw(video_poses, frame), color)) > 100 for color in colors] for frame in (2, 3, 9, 10)
    }
    assert found == {2: [True, False], 3: [True, True], 9: [True, True], 10: [True, False]}
    assert [position_of(video_poses.tracks[1], frame) for frame in (2, 3, 9, 10)] == [None, 0, 6, None]


def test_interpolated_people_are_thin_and_labelled(video_poses):
    track = video_poses.tracks[0]
    track.keypoints[:] = track.keypoints[0]
    seen, guessed = _draw(video_poses, 2), _draw(video_poses, 5)
    seen_limbs, guessed_limbs = (
        sum(len(_pixels(picture[:, : 45 * SCALE], SIDE_COLORS[side], 60)) for side in ('left', 'right'))
        for picture in (seen, guessed)
    )
    assert 0 < guessed_limbs < seen_limbs / 2

    def label_width(picture):
        above_head = picture[: int(track.keypoints[0, :, 1].min() * SCALE) - 10]
        return np.ptp(_pixels(above_head, person_color(track))[:, 0])

    assert label_width(guessed) > label_width(seen) + 40


def test_people_outside_the_image(video_poses):
    for shift in (-500, 500):
        video_poses.tracks[0].keypoints = video_poses.tracks[0].keypoints + shift
        assert len(_pixels(_draw(video_poses, 0), person_color(video_poses.tracks[0]))) > 100, 'the label stays'


def test_frames_are_passed_on(video_poses, video_frames):
    assert [frame[0, 0, 0] for frame in checked_frames(video_poses, iter(video_frames), 'v.mp4')] == [
        *range(60, 180, 10)
    ]


@pytest.mark.parametrize(
    ('frames', 'got'),
    [
        ([], 'got 0 frames. '),
        ([np.zeros((62, 97, 3))] * 11, r'got 11 frames, frame 10 of shape \(62, 97, 3\). '),
        ([np.zeros((62, 97, 3))] * 13, r'got 13 frames, frame 12 of shape \(62, 97, 3\). '),
        ([np.zeros((62, 97, 3)), np.zeros((97, 62, 3))], r'got 2 frames, frame 1 of shape \(97, 62, 3\). '),
        ([np.zeros((62, 97))] * 12, r'got 1 frames, frame 0 of shape \(62, 97\). '),
    ],
)
def test_frames_of_another_video(video_poses, frames, got):
    expected = r'cannot write v.mp4: expected the 12 frames of walk.mp4, each of shape \(62, 97, 3\), '
    with pytest.raises(InputError, match=expected + got + 'Give the frames'):
        list(checked_frames(video_poses, frames, 'v.mp4'))
