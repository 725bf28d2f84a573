import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.visualization import pose_strip
from depth_refine.visualization.pose_frame import SIDE_COLORS, TRUTH_COLOR, PoseFrame
from depth_refine.visualization.pose_strip import PANEL, draw_strip, image_panel

CAPTION = 52


def panel_of(strip, column):
    return strip[CAPTION : CAPTION + PANEL, column * PANEL : (column + 1) * PANEL]


def test_a_panel_for_input_each_prediction_and_truth(pixels, frame):
    """Poses are upright and not mirrored, seen from the camera."""
    strip = draw_strip(frame, azimuth=0, crop=True)
    assert strip.dtype == np.uint8 and strip.shape == (CAPTION + PANEL + 30, 4 * PANEL, 3)
    for column in (1, 2, 3):
        left, right, trunk = (pixels(panel_of(strip, column), color) for color in SIDE_COLORS.values())
        assert left[:, 0].min() > right[:, 0].max() - 30 and left[:, 0].mean() > PANEL / 2 > right[:, 0].mean()
    # 0.6 m above and 0.8 m below the root at 2.3 m a panel, shortened by the view from 12 degrees above
    drawn = np.concatenate([left, right, trunk])
    assert drawn[:, 1].min() == pytest.approx(PANEL / 2 - 0.6 * PANEL / 2.3 * np.cos(np.radians(12)), abs=4)
    assert drawn[:, 1].max() == pytest.approx(PANEL / 2 + 0.8 * PANEL / 2.3 * np.cos(np.radians(12)), abs=4)


def test_from_the_side_depth_runs_to_the_right(pixels, frame):
    """The right wrist is 0.2 m nearer to the camera than the root, the prediction's joints 0.05 m further than true."""
    strip = draw_strip(frame, azimuth=90, crop=True)
    right = pixels(panel_of(strip, 3), SIDE_COLORS['right'])
    assert right[:, 0].min() == pytest.approx(PANEL / 2 - 0.2 * PANEL / 2.3, abs=4)
    shift = pixels(panel_of(strip, 1), SIDE_COLORS['right'])[:, 0].min() - right[:, 0].min()
    assert shift == pytest.approx(0.05 * PANEL / 2.3, abs=1.5)
    wrong, right, truth = (len(pixels(panel_of(strip, column), TRUTH_COLOR)) for column in (1, 2, 3))
    assert wrong > 200 and right == 0 and truth == 0, 'the truth shows behind a wrong prediction only'


def test_whole_image_is_letterboxed(pixels, frame):
    """A 160 x 90 image fills the width; the keypoints keep their place in it."""
    panel = image_panel(frame, 320, crop=False)
    image_rows = np.flatnonzero((panel[:, 20] < 220).all(axis=-1))
    assert (image_rows[0], image_rows[-1]) == (70, 249)
    left = pixels(panel, SIDE_COLORS['left'])
    wrist = 2 * frame.keypoints[13] + [0.5, 70.5]
    assert np.linalg.norm(left - wrist, axis=1).min() < 3
    assert left[:, 0].max() == pytest.approx(wrist[0], abs=4)


def test_crop_centres_the_person(pixels, frame):
    panel = image_panel(frame, 320, crop=True)
    drawn = np.concatenate([pixels(panel, color) for color in SIDE_COLORS.values()])
    np.testing.assert_allclose((drawn.min(axis=0) + drawn.max(axis=0)) / 2, 160, atol=4)
    assert np.ptp(drawn[:, 1]) == pytest.approx(320 / 1.25, abs=6)


def test_crop_shows_the_box_wherever_the_keypoints_are(pixels, frame):
    """The middle of the box is white."""
    frame.image[20:29, 120:129] = 255
    frame.box = np.array([104.5, 4.5, 144.5, 44.5])  # 40 px around the middle of the white square
    white = pixels(image_panel(frame, 320, crop=True), (255, 255, 255), tolerance=5)
    np.testing.assert_allclose([white.min(axis=0), white.max(axis=0)], [[124] * 2, [195] * 2], atol=6)
    frame.keypoints = frame.keypoints - 1000
    shown = image_panel(frame, 320, crop=True)
    assert not any(len(pixels(shown, color)) for color in SIDE_COLORS.values())
    white = pixels(image_panel(frame, 320, crop=False), (255, 255, 255), tolerance=5)
    np.testing.assert_allclose(white.mean(axis=0), [2 * 124 + 0.5, 70 + 2 * 24 + 0.5], err_msg='the whole image')


@pytest.mark.parametrize('crop', [True, False])
def test_keypoints_without_an_image(pixels, frame, crop):
    """They are where they would be over the cropped image."""
    frame.box = np.array([20.0, 0.0, 110.0, 90.0])
    over_image = image_panel(frame, 320, crop=True)
    frame.image = None
    alone = image_panel(frame, 320, crop)
    for color in SIDE_COLORS.values():
        assert len(pixels(alone, color)) > 100
        np.testing.assert_array_equal(pixels(alone, color), pixels(over_image, color))


def test_captions_say_what_the_panels_show(frame, monkeypatch):
    texts = []
    monkeypatch.setattr(pose_strip, 'draw_text', lambda image, text, *args: texts.append(text))
    draw_strip(frame, azimuth=50, crop=True)
    frame.image_caption = ('image', 'a detail')
    draw_strip(frame, azimuth=50, crop=True)
    captions = [text for text in texts if text not in ('x', 'depth z')]
    rest = ['first stage', 'MPJPE 47 mm', 'refined', 'MPJPE 0 mm', 'ground truth', 'grid 500 mm', frame.title]
    assert captions == ['input', '', *rest, 'image', 'a detail', *rest]


def test_keypoints_far_outside_or_nothing_at_all(pixels, frame):
    frame.keypoints = frame.keypoints + [0, 1e4]
    assert len(pixels(image_panel(frame, 320, crop=True), SIDE_COLORS['left']))
    frame.keypoints[13] = -1e7
    assert image_panel(frame, 320, crop=True).shape == (320, 320, 3)
    frame.image = frame.keypoints = None
    assert not any(len(pixels(image_panel(frame, 320, crop=True), color)) for color in SIDE_COLORS.values())
    assert draw_strip(frame, azimuth=50, crop=True).shape[1] == 4 * PANEL


def test_any_skeleton(pixels, other_poses):
    """Sides keep their colours, and a body below a root at the head is not cut off."""
    skeleton, track = other_poses.skeleton, other_poses.tracks[0]
    frame = PoseFrame(skeleton, None, None, track.truth[0], {'refined': track.keypoints_3d[0]})
    moved = 20 * np.sqrt(3) * (1 - 1 / skeleton.num_joints)
    assert frame.errors_mm() == pytest.approx({'refined': moved}), 'all joints but the root'
    left, right, trunk = (pixels(panel_of(draw_strip(frame, 0, True), 2), color) for color in SIDE_COLORS.values())
    assert left[:, 0].min() > right[:, 0].max() - 30 and left[:, 0].mean() > trunk[:, 0].mean() > right[:, 0].mean()
    drawn = np.concatenate([left, right, trunk])
    assert drawn.min() > 3 and drawn.max() < PANEL - 3
    height = np.ptp(track.truth[0, :, 1]) * PANEL / max(2.3, 2.1 * np.linalg.norm(track.truth[0], axis=-1).max())
    assert np.ptp(drawn[:, 1]) == pytest.approx(height * np.cos(np.radians(12)), abs=12)
    with pytest.raises(InputError, match=f'truth of 9 joints, the skeleton has {skeleton.num_joints}'):
        PoseFrame(skeleton, None, None, track.truth[0, :9], {})
