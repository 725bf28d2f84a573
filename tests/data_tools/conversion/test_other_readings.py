import re

import numpy as np
import pytest

from depth_refine.data_tools.conversion.other_readings import another_video, better_reading, mean_offset

LEFT_RIGHT = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]
ARMS = [*range(11), 14, 15, 16, 11, 12, 13]


def late(annotation, frames):
    """Poses (N, 17, 2) delayed by ``frames`` frames; the first or last ones are repeated."""
    keypoints = annotation.keypoints.copy()
    for sequence in annotation.sequences:
        earlier = (np.arange(len(sequence.rows)) - frames).clip(0, len(sequence.rows) - 1)
        keypoints[sequence.rows] = annotation.keypoints[sequence.rows[earlier]]
    return keypoints


CHANGES = {
    'left and right are exchanged': lambda a: a.keypoints[:, LEFT_RIGHT],
    r'joints are in another order \(left_shoulder is right_shoulder, .*\)$': lambda a: a.keypoints[:, ARMS],
    'the images were mirrored': lambda a: a.keypoints[:, LEFT_RIGHT] * (-1, 1) + (1000, 0),
    r'the poses come (9|10|11) frames late: is the first frame': lambda a: late(a, 10),
    r'the poses come (19|20|21) frames early: is the first frame': lambda a: late(a, -20),
    r'multiplied by 0\.9\d* \(x\) and 0\.9\d* \(y\)': lambda a: 0.9 * a.keypoints,
    r'multiplied by (1|0\.99\d|1\.0\d) .* moved by -?\d and 3\d px': lambda a: a.keypoints + (0, 35),
}


@pytest.mark.parametrize('noise', [0, 4])
@pytest.mark.parametrize('what', CHANGES)
def test_readings_are_found(moving, what, noise):
    """They are found through an estimator's noise, px; noise alone gives none."""
    errors = noise * np.random.default_rng(0).normal(size=moving.keypoints.shape)
    videos = list(range(len(moving.sequences)))
    keypoints = CHANGES[what](moving) + errors
    reading = better_reading(moving, keypoints, videos)
    assert reading.share < 0.7
    assert re.search(what, reading.what), reading.what
    assert better_reading(moving, moving.keypoints + errors, videos) is None


def test_which_way_is_late(moving):
    keypoints, videos = late(moving, 3), [0, 4, 8]
    assert better_reading(moving, keypoints, videos).late == 3
    assert better_reading(moving, late(moving, -3), videos).late == -3


def test_another_camera_of_the_same_take(moving):
    keypoints, (first, second) = moving.keypoints.copy(), moving.sequences[:2]
    keypoints[first.rows] = moving.keypoints[second.rows]
    keypoints += 6 * np.random.default_rng(0).normal(size=keypoints.shape)
    assert another_video(moving, keypoints, 0) == second.name
    assert [another_video(moving, keypoints, video) for video in range(1, 12)] == [None] * 11


def test_offset(moving):
    sides, pixels = mean_offset(moving, moving.keypoints + (4, -12))
    np.testing.assert_allclose(pixels, (4, -12), atol=1e-3)
    np.testing.assert_allclose(sides * np.median(200 * moving.scale), (4, -12), rtol=0.1)
