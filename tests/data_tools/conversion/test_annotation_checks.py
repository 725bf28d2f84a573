import numpy as np
import pytest

from depth_refine.data_tools.conversion.annotation_checks import check_depth, check_keypoints, compare
from depth_refine.utils.errors import InputError

LEFT_RIGHT = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]


def cameras_in_another_order(annotation):
    """The poses of each camera under the name of the camera before."""
    keypoints, sequences = annotation.keypoints.copy(), annotation.sequences
    for index, sequence in enumerate(sequences):
        other = sequences[index // 4 * 4 + (index + 1) % 4]
        keypoints[sequence.rows] = annotation.keypoints[other.rows]
    return keypoints


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda a: a.keypoints[:, LEFT_RIGHT], 'do not fit h36m_test.npz as they are: left and right are exchanged.*'),
        (
            cameras_in_another_order,
            '12 of 12 videos fit another video better .* those of S9_Walking_1.54138969 S9_Walki',
        ),
    ],
)
def test_predictions_of_another_reading_are_refused(moving, change, message):
    with pytest.raises(InputError, match=message):
        compare(moving, change(moving))


def test_one_video_is_noted(moving):
    keypoints, rows = moving.keypoints.copy(), moving.sequences[5].rows
    keypoints[rows] = keypoints[rows][:, LEFT_RIGHT]
    (note,) = compare(moving, keypoints)
    assert note == (
        f'1 of 12 videos fit the annotation better if changed: {moving.sequences[5].name}: left and right are exchanged'
    )


def test_an_offset_that_noise_hides_is_noted(moving):
    noise = 15 * np.random.default_rng(0).normal(size=moving.keypoints.shape)
    assert compare(moving, moving.keypoints + noise) == []
    (note,) = compare(moving, moving.keypoints + noise + (14, 0))
    assert note.startswith('the predictions lie +14 px (x) and -0 px (y) beside the annotation on average')


@pytest.mark.parametrize(
    ('change', 'cause'),
    [
        (lambda uv: 0.5 * uv, r' It seems that pixels are multiplied by 0\.5 \(x\) and 0\.5 \(y\) and moved by'),
        (lambda uv: uv + (0, 400), r' It seems that .* moved by \S+ and 400 px'),
        (lambda uv: np.random.default_rng(0).uniform(0, 1000, uv.shape), ''),
    ],
)
def test_poses_far_from_the_annotation(moving, change, cause):
    message = rf"sides of the person's box from the annotation, .*another video or frame rate, .* joint order\?{cause}"
    with pytest.raises(InputError, match=f'^{moving.sequences[2].name}: half of the joints lie more than .*{message}'):
        check_keypoints(moving, change(moving.keypoints), 2)


@pytest.mark.parametrize(('factor', 'varies'), [(1, None), (0.3, None), (0.12, '0.12'), (4.5, '4.5')])
def test_depths_in_another_unit(moving, factor, varies):
    depth = moving.keypoints_3d[..., 2] - moving.keypoints_3d[:, :1, 2]
    if varies is None:
        check_depth(factor * depth, 'm', moving)
    else:
        with pytest.raises(InputError, match=f"in the unit 'm' vary {varies} times as much .* right --depth-unit"):
            check_depth(factor * depth, 'm', moving)
