import numpy as np
import pytest

from depth_refine.inference.observations import observe
from depth_refine.inference.person_boxes import Boxes
from depth_refine.inference.video_source import open_source
from depth_refine.utils.errors import InputError


class CountingStage:
    """In the place of the first stage: measures the grey value of the crop's first pixel and how many came before."""

    num_joints = 17

    def __call__(self, people):
        for count, (image, crop) in enumerate(people):
            yield np.full((17, 5), 1000 * count + float(image[int(crop[1]), int(crop[0]), 0]), np.float32)


def boxes(frame):
    corners = [[10 * person, 20, 10 * person + 9, 60] for person in range(frame.index % 3)]
    return Boxes(np.array(corners, np.float32).reshape(-1, 4), np.arange(frame.index % 3), margin=1.0)


def test_rows_belong_together():
    images = [np.full((75, 97), 10 * number, np.uint8) for number in range(6)]
    images[4] = None
    seen = observe(open_source(images, fps=10), boxes, CountingStage())
    assert seen.size == (97, 75) and seen.notes == []
    np.testing.assert_allclose(seen.times, np.arange(6) / 10)
    assert seen.frames.tolist() == [1, 2, 2, 5, 5]
    assert seen.ids.tolist() == [0, 0, 1, 0, 1]
    np.testing.assert_array_equal(seen.bboxes[:, 0], [0, 0, 10, 0, 10])
    assert seen.measurements.shape == (5, 17, 5)
    np.testing.assert_array_equal(seen.measurements[:, 4, 2], [10, 1020, 2020, 3050, 4050])


def test_nobody_and_errors_of_the_source():
    seen = observe(open_source([np.zeros((75, 97), np.uint8)]), boxes, CountingStage())
    assert (len(seen.times), seen.frames.shape, seen.bboxes.shape) == (1, (0,), (0, 4))
    assert seen.measurements.shape == (0, 17, 5)
    images = [np.zeros((75, 97), np.uint8), np.zeros((75, 96), np.uint8)]
    with pytest.raises(InputError, match='expected frames of one size'):
        observe(open_source(images), boxes, CountingStage())
