import numpy as np
import pytest

from depth_refine.inference.blazepose.landmarks import FLIP_INDICES, Landmarks
from depth_refine.inference.blazepose.people import PeopleOfFrames
from depth_refine.inference.blazepose.regions import Region
from depth_refine.inference.sources.video_source import Frame

SHAPE = np.random.default_rng(0).uniform(-50, 50, (33, 2))
SHAPE[:2] = [[-50, -50], [50, 50]]


class Scene:
    """Mock networks: people are at places, and are seen if their hips are at most 60 px from a region's centre."""

    def __init__(self):
        self.places, self.detectable, self.searches, self.runs = [], True, 0, 0
        self.shapes = []  # of the next people; by default SHAPE
        self.largest = np.inf  # largest side of a region in which the detector finds people

    def detector(self, image, region):
        self.searches += 1
        near = [place for place in self.places if np.abs(place - region.center).max() <= region.side / 2]
        near = near if region.side <= self.largest else []
        return [Region(np.array(place), 250.0) for place in near] if self.detectable else []

    def network(self, image, region):
        self.runs += 1
        distances = [np.linalg.norm(place - region.center) for place in self.places]
        if not distances or min(distances) > 60:
            return Landmarks(SHAPE + region.center, np.zeros((33, 3)), np.zeros(33), 0.1, region)
        place = np.array(self.places[int(np.argmin(distances))], float)
        shape = self.shapes.pop() if self.shapes else SHAPE
        return Landmarks(shape + place, np.zeros((33, 3)), np.ones(33), 0.9, Region(place, 250.0))


@pytest.fixture
def scene():
    return Scene()


@pytest.fixture
def people(scene):
    return PeopleOfFrames(scene.detector, scene.network)


def frame(index, rate=10, size=(400, 900)):
    return Frame(index, index / rate, np.zeros((*size, 3), np.uint8))


def boxes(places):
    return [[x - 50, y - 50, x + 50, y + 50] for x, y in places]


def test_people_are_tracked_and_searched_twice_a_second(scene, people):
    scene.places = [(200, 200)]
    for index in range(10):
        if index == 1:
            scene.places.append((700, 200))  # not seen before the next search
        scene.places[0] = (200 + 5 * index, 200)
        found = people.find(frame(index))
        np.testing.assert_allclose(found.bboxes, boxes(scene.places if index >= 5 else scene.places[:1]))
        assert found.track_ids is None
    assert scene.searches == 2 * (1 + 4)  # at 0 and 0.5 s, of the frame and of squares of its height


def test_lost_people_are_searched_at_once(scene, people):
    scene.places = [(200, 200)]
    people.find(frame(0))
    scene.places = [(500, 200)]
    np.testing.assert_allclose(people.find(frame(1)).bboxes, boxes(scene.places))
    scene.places = []
    for index in (2, 3):
        assert people.find(frame(index)).bboxes.shape == (0, 4)
    assert scene.searches == 5 + 3  # of the frame alone, after the first one


def test_tracked_people_need_no_detector(scene, people):
    scene.places = [(200, 200)]
    people.find(frame(0))
    scene.detectable = False
    for index in range(1, 12):
        assert len(people.find(frame(index)).bboxes) == 1


def test_two_regions_of_one_person_are_one(scene, people):
    """Also if the network exchanges left and right in one of them."""
    scene.places = [(200, 200), (700, 200)]
    people.find(frame(0))
    scene.places = [(200, 200)]
    for flip in (slice(None), FLIP_INDICES):
        people._people = [
            person._replace(region=Region(np.array([x, 200.0]), 250.0))
            for x, person in zip((200, 210), [people._people[0]] * 2, strict=True)
        ]
        scene.shapes = [SHAPE, SHAPE[flip]]
        assert len(people.find(frame(1)).bboxes) == 1


def test_another_video_begins_anew(scene, people):
    scene.places = [(200, 200)]
    people.find(frame(7))
    scene.detectable = False
    assert len(people.find(frame(0)).bboxes) == 0 and scene.searches > 10


def test_small_people_are_found_in_parts_of_the_frame(scene, people):
    scene.places = [(730, 90), (100, 350)]
    for side, count in ((400, 2), (200, 2), (199, 0)):
        scene.largest = side
        assert len(people.find(frame(0)).bboxes) == count


def test_boxes_end_at_the_edges(scene, people):
    scene.places = [(20, 380)]
    np.testing.assert_allclose(people.find(frame(0)).bboxes, [[0, 330, 70, 400]])


def test_people_in_boxes(scene, people):
    """A person who was found in a frame is not measured again; others are, where they were before or in the box."""
    scene.places = [(200, 200), (700, 200)]
    first, second = frame(0), frame(1)
    people.find(first)
    runs = scene.runs
    for place in scene.places:
        x, y = place
        np.testing.assert_allclose(
            people.at(first.image, np.array([x - 60, y - 60, x + 60, y + 60])).region.center, place
        )
    assert scene.runs == runs
    searches = scene.searches
    for x, y in scene.places:  # in the next frame they have moved
        scene.places = [(205, 200), (705, 200)]
        found = people.at(second.image, np.array([x - 45, y - 50, x + 55, y + 50]))
        np.testing.assert_allclose(found.region.center, (x + 5, y))
    assert scene.searches == searches and scene.runs == runs + 2
    scene.places.append((450, 300))
    np.testing.assert_allclose(people.at(second.image, np.array([400, 250, 500, 350])).region.center, (450, 300))
    assert scene.searches == searches + 1


def test_doubtful_people_in_boxes(scene, people):
    """Where the detector finds nobody, the network gets the whole box, and then the region that it predicts."""
    scene.places, scene.detectable = [(330, 200)], False
    found = people.at(frame(0).image, np.array([250.0, 100, 350, 300]))
    assert found.presence == 0.9 and scene.runs == 2
    scene.places = []
    assert people.at(frame(1).image, np.array([250.0, 100, 350, 300])).presence == 0.1
