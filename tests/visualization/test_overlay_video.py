import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.visualization import write_overlay_video
from depth_refine.visualization.overlay_video import draw_overlay
from depth_refine.visualization.pose_frame import SIDE_COLORS
from depth_refine.visualization.scene_view import person_color

SCALE = 6


def draw(poses, frame):
    """The overlay on a black image, six times as large as the video."""
    image = np.zeros((62 * SCALE, 97 * SCALE, 3), np.uint8)
    draw_overlay(image, poses, frame)
    return image


def test_joints_are_where_they_are_in_the_image(pixels, video_poses):
    image, track = draw(video_poses, 2), video_poses.tracks[0]
    expected = (track.keypoints[2] + 0.5) * SCALE - 0.5
    for color, points in [
        (person_color(track), expected),
        (SIDE_COLORS['left'], expected[[12, 13]].mean(axis=0, keepdims=True)),  # forearms
        (SIDE_COLORS['right'], expected[[15, 16]].mean(axis=0, keepdims=True)),
    ]:
        distances = np.linalg.norm(pixels(image, color) - points[:, None], axis=-1)
        assert distances.min(axis=1).max() < 1.5


def test_people_have_their_own_colors_and_only_their_own_frames(pixels, video_poses):
    colors = [person_color(track) for track in video_poses.tracks]
    found = {frame: [len(pixels(draw(video_poses, frame), color)) > 100 for color in colors] for frame in (2, 3, 9, 10)}
    assert found == {2: [True, False], 3: [True, True], 9: [True, True], 10: [True, False]}


def test_interpolated_people_are_thin_and_labelled(pixels, video_poses):
    track = video_poses.tracks[0]
    track.keypoints[:] = track.keypoints[0]
    limbs, label = [], []
    for image in (draw(video_poses, 2), draw(video_poses, 5)):
        left_part, above_head = image[:, : 45 * SCALE], image[: int(track.keypoints[0, :, 1].min() * SCALE) - 10]
        limbs.append(sum(len(pixels(left_part, SIDE_COLORS[side], 60)) for side in ('left', 'right')))
        label.append(np.ptp(pixels(above_head, person_color(track))[:, 0]))
    assert 0 < limbs[1] < limbs[0] / 2 and label[1] > label[0] + 40


def test_people_outside_the_image(pixels, video_poses):
    for shift in (-500, 500):
        video_poses.tracks[0].keypoints = video_poses.tracks[0].keypoints + shift
        assert len(pixels(draw(video_poses, 0), person_color(video_poses.tracks[0]))) > 100, 'the label stays'


@pytest.mark.parametrize(
    ('frames', 'got'),
    [
        ([], 'got 0 frames. '),
        ([np.zeros((62, 97, 3))] * 11, r'got 11 frames, frame 10 of shape \(62, 97, 3\). '),
        ([np.zeros((62, 97, 3))] * 13, r'got 13 frames, frame 12 of shape \(62, 97, 3\). '),
        ([np.zeros((62, 97, 3)), np.zeros((62, 97))], r'got 2 frames, frame 1 of shape \(62, 97\). '),
    ],
)
def test_frames_of_another_video_leave_nothing(video_poses, tmp_path, frames, got):
    expected = r'v.mp4: expected the 12 frames of walk.mp4, each of shape \(62, 97, 3\), '
    with pytest.raises(InputError, match=expected + got + 'Give the frames'):
        write_overlay_video(video_poses, (frame.astype(np.uint8) for frame in frames), tmp_path / 'v.mp4')
    assert not list(tmp_path.iterdir())


def test_overlay_beside_the_view(pixels, read_video, video_poses, video_frames, tmp_path):
    write_overlay_video(video_poses, iter(video_frames), tmp_path / 'out.mp4')
    _, times, images = read_video(tmp_path / 'out.mp4')
    np.testing.assert_allclose(times, video_poses.times - 2.0, atol=1e-4)
    # 97 x 62 px at 640 px wide; the view beside it is as high, at least 360 and at most 480 wide
    assert images.shape == (12, 410, 640 + 410, 3)
    for index, image in enumerate(images):
        assert np.median(image[:, :640]) == pytest.approx(60 + 10 * index, abs=3), 'the frame of this time'
        assert np.median(image[:, 640:]) > 250
        for part in (image[:380, :640], image[:380, 640:]):
            assert all(len(pixels(part, SIDE_COLORS[side], 40)) > 100 for side in ('left', 'right'))


@pytest.mark.parametrize(('size', 'shape'), [((900, 1), (360, 640 + 360, 3)), ((50, 100), (640, 320 + 480, 3))])
def test_wide_and_high_videos_and_nobody(read_video, video_poses, tmp_path, size, shape):
    video_poses.size, video_poses.tracks = size, []
    frames = [np.full((size[1], size[0], 3), 90, np.uint8)] * 12
    write_overlay_video(video_poses, frames, tmp_path / 'out.mp4')
    assert read_video(tmp_path / 'out.mp4')[2].shape == (12, *shape)


def test_any_skeleton(pixels, read_video, other_poses, video_frames, tmp_path):
    write_overlay_video(other_poses, iter(video_frames), tmp_path / 'out.mp4')
    view = read_video(tmp_path / 'out.mp4')[2][0, 60:, 640:900]  # without texts; frame 0 is seen from the camera
    left, right, trunk = (pixels(view, color, 40) for color in (*list(SIDE_COLORS.values())[:2], (0, 158, 115)))
    assert left[:, 0].mean() > trunk[:, 0].mean() > right[:, 0].mean()
    assert left[:, 1].max() < 345 and right[:, 1].max() < 345, 'the feet are in the image, whatever the root'
    image, track = draw(other_poses, 2), other_poses.tracks[0]
    dots = (track.keypoints[2] + 0.5) * SCALE - 0.5
    distances = np.linalg.norm(pixels(image, person_color(track)) - dots[:, None], axis=-1)
    assert distances.min(axis=1).max() < 1.5
