"""Positions of people in the view, found by colour. It shows frame 0 from the camera and rotates once in 14 s."""

import numpy as np
import pytest

from depth_refine.visualization.pose_frame import SIDE_COLORS
from depth_refine.visualization.scene_view import SceneView, person_color

SIZE = (420, 360)


@pytest.fixture
def trunk_x(pixels):
    """A function that finds a person's x position in a frame of a view, px."""
    return lambda view, frame, track: pixels(view.draw(frame), person_color(track))[:, 0].mean()


@pytest.fixture
def one(video_poses):
    """Person 0 alone, at rest."""
    video_poses.tracks = video_poses.tracks[:1]
    video_poses.tracks[0].root = np.tile([0.3, 0.1, 4.0], (12, 1))
    return video_poses


def test_upright_and_not_mirrored_at_first(pixels, one):
    image = SceneView(one, SIZE).draw(0)
    assert image.shape == (360, 420, 3)
    colors = SIDE_COLORS['left'], SIDE_COLORS['right'], person_color(one.tracks[0])
    left, right, trunk = (pixels(image[:330], rgb) for rgb in colors)  # above the legend
    assert left[:, 0].mean() > 210 > right[:, 0].mean()
    assert trunk[:, 1].max() < right[:, 1].max() - 50, 'legs are below'
    # The pelvis is the centre; hips are 0.1 m beside it, feet 0.8 m below it, at 360 px for twice 1.15 m.
    assert np.ptp(trunk[:, 0]) < 8 and trunk[:, 0].mean() == pytest.approx(210, abs=2)
    assert right[:, 1].max() == pytest.approx(180 + 0.8 * np.cos(np.radians(12)) * 360 / 2.3, abs=3)


def test_rotates_around_the_person(pixels, one):
    view = SceneView(one, SIZE)
    one.times = 2.0 + 3.5 * np.arange(12)  # a quarter of a rotation from frame to frame
    left = [pixels(view.draw(frame)[:330], SIDE_COLORS['left'])[:, 0].mean() - 210 for frame in range(5)]
    assert left[0] > 15 and left[2] < -15 and left[4] == pytest.approx(left[0], abs=1)
    wrist = [pixels(view.draw(frame)[:330], SIDE_COLORS['right'])[:, 0].min() for frame in (1, 3)]
    # The right wrist is 0.2 m nearer to the camera than the pelvis: left of it when depth runs to the right.
    assert wrist[0] == pytest.approx(210 - 0.2 * 360 / 2.3, abs=4) and wrist[1] > 190


def test_people_are_at_their_positions(trunk_x, video_poses):
    """Person 1 is 50 px / 30 px/m to the right of person 0's start, who walks 50 mm a frame."""
    view = SceneView(video_poses, SIZE)
    video_poses.times[:] = 2.0  # seen from the camera
    first, second = video_poses.tracks
    gap = [trunk_x(view, frame, second) - trunk_x(view, frame, first) for frame in (3, 9)]
    assert gap[0] - gap[1] == pytest.approx(gap[0] * 0.3 / (50 / 30 - 0.15), abs=3)
    assert gap[0] > 60


def test_side_by_side_if_positions_are_not_known(trunk_x, video_poses):
    first, second = video_poses.tracks
    second.root = None
    view = SceneView(video_poses, SIZE)
    video_poses.times[:] = 2.0
    scale = 360 / (2 * (1.3 / 2 + 1.15))
    for frame in (3, 9):
        assert trunk_x(view, frame, first) == pytest.approx(210 - 0.65 * scale, abs=2)
        assert trunk_x(view, frame, second) == pytest.approx(210 + 0.65 * scale, abs=2)
    first.bboxes = first.bboxes + 200
    swapped = SceneView(video_poses, SIZE)
    assert trunk_x(swapped, 3, first) > 210 > trunk_x(swapped, 3, second)


def test_the_view_follows_and_the_floor_stays(trunk_x, one):
    """A person who walks 3 m stays near the middle, while lines of the floor pass by."""
    one.tracks[0].root[:, 0] = np.linspace(0, 3, 12)
    one.times = 2.0 + np.arange(12)
    view = SceneView(one, SIZE)
    one.times[:] = 2.0
    assert all(abs(trunk_x(view, frame, one.tracks[0]) - 210) < 15 for frame in range(12))
    floors = [(view.draw(frame)[250:320] < 250).any(axis=-1) for frame in (3, 4)]
    assert floors[0].sum() > 100 and (floors[0] != floors[1]).sum() > 100
