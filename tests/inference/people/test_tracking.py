import re

import numpy as np
import pytest

from depth_refine.inference.people.person_boxes import Boxes
from depth_refine.inference.people.tracking import PersonFinder, exchanges, nested, split_into_tracks
from depth_refine.inference.sources.video_source import Frame

IMAGE = np.zeros((75, 97, 3), np.uint8)


def test_boxes_are_cut_at_the_edges_or_dropped_and_crops_have_a_margin():
    seen = [[10, 20, 30, 60], [-20, 0, 20, 50], [90, 70, 97.5, 75]]
    given = np.float32([*seen, [97, 0, 120, 50], [-9, -9, -1, -1], [96, 0, 99, 50]])
    find = PersonFinder(lambda frame: Boxes(given, np.arange(4, 10), margin=1.5))
    people = find(Frame(0, 0.0, IMAGE))
    assert [person for person, _, _ in people] == [4, 5, 6]
    expected = [[10, 20, 30, 60], [0, 0, 20, 50], [90, 70, 97, 75]]
    np.testing.assert_array_equal([bbox for _, bbox, _ in people], expected)
    np.testing.assert_allclose([crop for _, _, crop in people[:2]], [[5, 10, 35, 70], [-5, -12.5, 25, 62.5]])
    find(Frame(1, 0.1, IMAGE))
    assert find.notes() == [
        'Boxes that reached beyond the image and were cut at its edges: 2.',  # by more than rounding
        'Boxes outside the image, dropped: 6.',
    ]


def split(seen, times, drop_noise=True):
    """The tracks of people, given the frames in which each is seen."""
    pairs = sorted((frame, person) for person, frames in seen.items() for frame in frames)
    frames, ids = np.array(pairs, int).reshape(-1, 2).T
    tracks, notes = split_into_tracks(frames, ids, times, drop_noise)
    return {track_id: frames[rows].tolist() for track_id, rows in tracks}, notes


def test_gaps_up_to_a_second_stay_in_a_track():
    seen = {0: [*range(10), *range(34, 60)], 4: [*range(20), *range(46, 99)]}
    tracks, notes = split(seen, np.arange(100) / 25)
    assert tracks == {0: seen[0], 4: list(range(20)), 5: list(range(46, 99))} and list(tracks) == [0, 4, 5]
    assert notes == ['Returns after more than 1 s, each a new track: 1.']


def test_noise_is_dropped_with_a_note():
    times = np.arange(100) / 25
    seen = {0: list(range(100)), 1: [3, 4, 5, 6], 2: list(range(50, 55)), 3: [80]}
    tracks, notes = split(seen, times)
    assert list(tracks) == [0, 2]
    assert notes == ['Tracks of fewer than 5 frames, dropped as noise: 2.']
    assert list(split(seen, times, drop_noise=False)[0]) == [0, 1, 2, 3]


def test_short_and_slow_videos():
    assert split({0: [0, 1, 2], 1: [1]}, np.arange(3) / 25)[0] == {0: [0, 1, 2]}
    assert split({0: [0]}, np.zeros(1))[0] == {0: [0]}
    assert split({0: [0, 1, 2]}, np.array([0, 2.0, 4.0]))[0] == {0: [0, 1, 2]}


@pytest.mark.parametrize('people', [2, 3])
def test_ids_that_number_the_boxes_of_a_frame(people):
    """They come from a detector, in any order; people who pass each other are not noted."""
    rng, frames = np.random.default_rng(0), np.repeat(np.arange(30), people)
    places = np.stack([5 * np.arange(30), 140 - 5 * np.arange(30), np.full(30, 300)])[:people].T
    bboxes = np.array([[x, 0, x + 40, 120] for x in places.ravel()], float)
    true = np.tile(np.arange(4, 4 + people), 30)
    assert exchanges(frames, true, bboxes) == exchanges(frames[:0], true[:0], bboxes[:0]) == []
    order = np.concatenate([rng.permutation(people) + people * frame for frame in range(30)])
    (note,) = exchanges(frames, true, bboxes[order])
    assert re.match(
        r'Track ids change places in 1\d frames, first [45] and \d in frame \d, counted from 0: do they n', note
    )


@pytest.mark.parametrize(('shift', 'said'), [(0, True), (3, True), (40, False)])
def test_a_person_within_another(shift, said):
    rows = np.arange(10)
    outer, inner = np.tile([100.0, 50, 200, 400], (10, 1)), np.tile([120.0, 60, 180, 200], (10, 1))
    inner[4:, [0, 2]] += shift
    inner[:, [0, 2]] += shift
    people = [(0, rows), (3, rows[2:] + 10)]
    notes = nested(people, np.concatenate([rows, rows]), np.concatenate([outer, inner]))
    assert [note.startswith('Person 3 is within the box of person 0 in all frames') for note in notes] == [True] * said
