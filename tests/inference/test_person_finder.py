import numpy as np

from depth_refine.inference.person_boxes import Boxes, whole_frame
from depth_refine.inference.person_finder import PersonFinder
from depth_refine.inference.video_source import Frame

IMAGE = np.zeros((75, 97, 3), np.uint8)


def test_margin_and_edges():
    given = np.array([[10, 20, 30, 60], [-20, 0, 20, 50], [97, 0, 120, 50]], np.float32)
    find = PersonFinder(lambda frame: Boxes(given, np.array([4, 2, 3]), margin=1.5))
    people = find(Frame(0, 0.0, IMAGE))
    assert [person.track_id for person in people] == [4, 2]
    np.testing.assert_array_equal([person.bbox for person in people], [[10, 20, 30, 60], [0, 0, 20, 50]])
    np.testing.assert_allclose([person.crop for person in people], [[5, 10, 35, 70], [-5, -12.5, 25, 62.5]])
    find(Frame(1, 0.1, IMAGE))
    assert find.notes() == [
        'Boxes that reached beyond the image and were cut at its edges: 2.',
        'Boxes outside the image, dropped: 2.',
    ]


def test_whole_frames_have_no_margin():
    (person,) = PersonFinder(whole_frame)(Frame(0, 0.0, IMAGE))
    np.testing.assert_array_equal([person.bbox, person.crop], [[0, 0, 97, 75]] * 2)


def test_people_without_numbers_are_tracked():
    def boxes(frame):
        left, right = [frame.index, 5, frame.index + 20, 60], [60, 5, 80, 60]
        return Boxes(np.array([left, right] if frame.index % 2 else [right, left], np.float32))

    find = PersonFinder(boxes)
    found = [find(Frame(index, index / 25, None if index == 4 else IMAGE)) for index in range(8)]
    assert [[person.track_id for person in people] for people in found] == [
        [0, 1], [1, 0], [0, 1], [1, 0], [], [1, 0], [0, 1], [1, 0],
    ]  # fmt: skip
    assert find.notes() == []
