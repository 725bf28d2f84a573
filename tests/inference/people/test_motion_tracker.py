import numpy as np
import pytest
import torch
import torchvision

from depth_refine.inference.people.motion_tracker import MotionTracker, box_iou


def box(x, y=0, width=10, height=20):
    return [x, y, x + width, y + height]


def test_iou_is_torchvisions():
    corners, sides = np.random.default_rng(0).uniform(0, 12, (2, 2, 9, 2))
    boxes = np.concatenate([corners, corners + sides], axis=-1)
    expected = torchvision.ops.box_iou(*map(torch.from_numpy, boxes))
    np.testing.assert_allclose(box_iou(boxes[0], boxes[1][:5]), expected[:, :5])


def test_two_people_cross():
    tracker, ids = MotionTracker(), []
    for frame in range(40):
        a, b = box(2 * frame), box(80 - 2 * frame, y=6)
        order = [0, 1] if frame % 3 else [1, 0]
        ids.append(tracker.update(frame / 25, np.array([a, b], float)[order])[np.argsort(order)])
    assert sorted(ids[0]) == [0, 1] and (np.array(ids) == ids[0]).all()


RATES = [50, 30, 15, 10, 5]  # frames a second


def person(x, scale=150.0):
    """The box, px, of a person 0.38 m wide and 1.7 m high who stands at x metres."""
    return scale * np.array([x - 0.19, 0.3, x + 0.19, 2.0])


def follow(paths, rate):
    """Ids (T, P) of people on paths (T, P), metres, NaN where they are absent; noisy detections in random order."""
    tracker, rng, ids = MotionTracker(), np.random.default_rng(0), np.full(np.shape(paths)[::-1], -1)
    for frame, places in enumerate(np.transpose(paths)):
        order = rng.permutation(np.flatnonzero(~np.isnan(places)))
        boxes = np.reshape([person(places[who]) + rng.normal(0, 3, 4) for who in order], (-1, 4))
        ids[frame, order] = tracker.update(frame / rate, boxes)
    return ids


@pytest.mark.parametrize(('rate', 'step'), [*((rate, 3 / rate) for rate in RATES), (15, 0.3), (60, 0.15), (10, 0.9)])
def test_a_runner_is_tracked(rate, step):
    """0.2 and 0.3 m a frame at 15 frames a second, and a sprint of 9 m/s, past a standing person."""
    path = -4 + step * np.arange(40)
    assert (follow([path], rate) == 0).all()
    ids = follow([path, np.full(40, -4 + 10.3 * step)], rate)
    assert (ids == ids[0]).all()


@pytest.mark.parametrize('rate', RATES)
@pytest.mark.parametrize('hidden', [0, 0.2])
def test_people_pass_each_other(rate, hidden):
    """One walks, one runs, and the one behind may be hidden in the meantime; a third person stands aside."""
    times = np.arange(int(3 * rate) + 1) / rate
    paths = np.stack([-2 + 1.4 * times, 2 - 3 * times, 3 + 0 * times])
    paths[1, np.abs(paths[0] - paths[1]) < hidden] = np.nan
    ids = follow(paths, rate)
    for who in range(3):
        assert set(ids[~np.isnan(paths[who]), who]) == {ids[0, who]}


@pytest.mark.parametrize('rate', RATES)
@pytest.mark.parametrize('away', [0.0, 0.4, 0.9])
def test_one_leaves_and_another_enters_elsewhere(rate, away):
    """At the other side of an image 4 m wide, at once or up to a second later."""
    times = np.arange(int(3 * rate) + 1) / rate
    leaving, entering = -0.5 - 1.5 * times, 2 - 1.2 * (times - 1 - away)
    leaving[times > 1], entering[times <= 1 + away] = np.nan, np.nan
    assert np.unique(follow([leaving, entering], rate)).tolist() == [-1, 0, 1]


@pytest.mark.parametrize('rate', RATES)
def test_people_who_stand_apart_come_and_go(rate):
    """Each of three people is missed at times; all keep their ids, though they are only 1.2 m apart."""
    times = np.arange(int(4 * rate)) / rate
    paths = np.repeat([[0.0], [1.2], [2.4]], len(times), axis=1)
    for who, first in enumerate((1, 1.5, 2.5)):
        paths[who, (times > first) & (times < first + 0.8)] = np.nan
    ids = follow(paths, rate)
    for who in range(3):
        assert set(ids[~np.isnan(paths[who]), who]) == {ids[0, who]}


@pytest.mark.parametrize('factor', [1, 4])
def test_the_image_size_does_not_matter(factor):
    tracker = MotionTracker()
    places = [0.0, 0.3, 0.6, 2.0, 2.3]  # after the step of 1.4 m it is another person
    ids = [tracker.update(n / 25, factor * person(x)[None]).item() for n, x in enumerate(places)]
    assert ids == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ('before', 'after', 'ids'),
    [
        # greedily, the box at 4 would take person 1 (0.82) and leave the one at 9 without (it meets only person 1)
        ([box(0), box(5)], [box(9), box(4)], [1, 0]),
        ([box(0), box(100)], [box(7), box(100)], [2, 1]),  # below the threshold it is another person
    ],
)
def test_the_best_assignment_of_all(before, after, ids):
    tracker = MotionTracker()
    tracker.update(0, np.array(before, float))
    assert tracker.update(0.04, np.array(after, float)).tolist() == ids


@pytest.mark.parametrize(('away', 'frames', 'person'), [(0.9, 9, 0), (1.1, 11, 1), (2.0, 1, 0)])
def test_coming_back(away, frames, person):
    """After more than a second a person is new, but not if that is the next frame."""
    tracker = MotionTracker()
    assert tracker.update(0, np.array([box(3)], float)).tolist() == [0]
    for time in np.arange(1, frames) * away / frames:
        assert tracker.update(time, np.empty((0, 4))).tolist() == []
    assert tracker.update(away, np.array([box(4)], float)).tolist() == [person]


@pytest.mark.parametrize('beside', [False, True])
@pytest.mark.parametrize('edge', [1, 3])
@pytest.mark.parametrize('share', [1 / 3, 1 / 2])
@pytest.mark.parametrize('cut', [range(8, 12), range(8, 30), range(2, 30, 3), range(1, 30, 2)])
def test_boxes_that_are_cut(cut, share, edge, beside):
    """Boxes of 23 x 103 px move 12 px a frame and are cut at the feet or head, perhaps past a standing person."""
    tracker, ids = MotionTracker(), []
    for frame in range(30):
        boxes = np.array([box(20 + 12 * frame, 100, 23, 103), box(160, 90, 25, 110)], float)[: 1 + beside]
        boxes[0, edge] += (frame in cut) * share * 103 * (1 if edge == 1 else -1)
        ids.append(tracker.update(frame / 15, boxes).tolist())
    assert ids == [[0, 1][: 1 + beside]] * 30


@pytest.mark.parametrize('rate', RATES)
@pytest.mark.parametrize('braking', [20, 40])
def test_a_sudden_turn(rate, braking):
    """From 4.5 m/s to the same speed backwards; the only box can be nobody else's."""
    speed = np.maximum(4.5 - braking * np.maximum(np.arange(3 * rate) / rate - 1, 0), -4.5)
    assert (follow([np.cumsum(speed) / rate - 3], rate) == 0).all()


@pytest.mark.parametrize('rate', RATES)
def test_a_single_box_that_is_another_persons(rate):
    """In the very next frame, at the far edge; and where two people may have come from."""
    assert follow([[-2.0, np.nan], [np.nan, 2.0]], rate)[1].tolist() == [-1, 1]
    tracker = MotionTracker()
    tracker.update(0, np.array([box(0, 0, 20, 100), box(60, 0, 20, 100)], float))
    assert tracker.update(0.2, np.array([box(27, 150, 45, 40)], float)).tolist() == [2]
