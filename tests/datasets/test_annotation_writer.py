import numpy as np
import pytest

from depth_refine.datasets import AnnotatedSequence, write_annotation
from depth_refine.utils.errors import InputError


def sequence(name, frames, seed):
    rng = np.random.default_rng(seed)
    shape = len(frames), 17
    return AnnotatedSequence(
        name,
        np.array(frames),
        rng.uniform(0, 1000, (*shape, 2)),
        rng.uniform([-1, -1, 2], [1, 1, 4], (*shape, 3)).astype(np.float32),
        rng.uniform(0, 1000, (len(frames), 4)),
    )


def test_rows(tmp_path):
    first = sequence('S1_Directions_1.54138969', [1, 6], 0)
    second = sequence('S11_WalkDog.55011271', [1], 1)
    paths = [tmp_path / 'new/a.npz', tmp_path / 'new/b.npz']
    for path in paths:
        write_annotation(path, [first, second], 50)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    npz = np.load(paths[0])
    assert sorted(npz) == ['S', 'center', 'crop', 'frame_rate', 'imgname', 'part', 'scale']
    np.testing.assert_array_equal(npz['crop'], np.concatenate([first.crops, second.crops]))
    assert npz['imgname'].tolist() == [
        'S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg',
        'S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000006.jpg',
        'S11/S11_WalkDog.55011271/S11_WalkDog.55011271_000001.jpg',
    ]
    np.testing.assert_array_equal(npz['part'][..., :2], np.concatenate([first.keypoints, second.keypoints]))
    np.testing.assert_array_equal(npz['S'][..., :3], np.concatenate([first.keypoints_3d, second.keypoints_3d]))
    assert (npz['part'][..., 2] == 1).all() and (npz['S'][..., 3] == 1).all()
    assert npz['part'].dtype == npz['S'].dtype == npz['center'].dtype == npz['scale'].dtype == np.float64
    u, v = first.keypoints[1].T  # the box of the second row by hand
    np.testing.assert_allclose(npz['center'][1], [(u.min() + u.max()) / 2, (v.min() + v.max()) / 2])
    np.testing.assert_allclose(npz['scale'][1] * 200, 1.2 * max(np.ptp(u), np.ptp(v)))


def test_nothing_is_left_of_a_failure(tmp_path):
    broken = sequence('S1_Eating.54138969', [1, 2], 0)._replace(keypoints_3d=np.zeros((2, 16)))
    with pytest.raises(ValueError, match=r'keypoints_3d of S1_Eating.54138969: expected \(2, 17, 3\), got \(2, 16\)'):
        write_annotation(tmp_path / 'a.npz', [sequence('S1_Posing.54138969', [1], 0), broken], 50)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(name='walk', subject=None),
            "without a subject, walk must be named as .*: give a subject, '' if there is",
        ),
        (dict(frames=np.array([0.02, 0.04])), 'frames of walk: expected whole numbers, at least one'),
        (dict(frames=np.arange(0)), r'keypoints of walk: expected \(0, 17, 2\), got \(2, 17, 2\)'),
        (dict(action=None), 'action of walk: expected text, got None'),
        (dict(camera=7), 'camera of walk: expected text, got 7'),
    ],
)
def test_other_kinds(tmp_path, changes, message):
    good = sequence('walk', [1, 2], 0)._replace(subject='')
    with pytest.raises(InputError, match=message):
        write_annotation(tmp_path / 'a.npz', [good._replace(**changes)], 50)
    with pytest.raises(InputError, match="expected a frame rate above 0 frames a second, got '50'"):
        write_annotation(tmp_path / 'a.npz', [good], '50')
    assert not list(tmp_path.iterdir())


GOOD = sequence('walk', [4, 6], 0)._replace(subject='')
HIDDEN = np.ones((2, 17), bool)
HIDDEN[1, 5] = False


def altered(name, row, joint, value):
    values = getattr(GOOD, name).copy()
    values[row, joint] = value
    return {name: values}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(keypoints_3d=GOOD.keypoints_3d * 1000),
            'keypoints_3d of walk, from .* at most 3 metres .* divide by 1000',
        ),
        (
            dict(keypoints_3d=GOOD.keypoints_3d + [0, 0, 400]),
            'z of keypoints_3d of walk .* 0.05 to 100 metres from the c',
        ),
        (
            dict(keypoints_3d=GOOD.keypoints_3d * [1, 1, -1]),
            'all 3D joints behind the camera in frame 4: .* world coord',
        ),
        (
            altered('keypoints_3d', 1, 5, 0),
            'walk has a 3D joint at 0 0 0 in frame 6: give absolute camera-frame metres',
        ),
        (altered('keypoints_3d', 1, 5, np.nan), 'walk has a visible joint that is not finite in frame 6: mark what is'),
        (altered('keypoints', 0, 5, np.inf), 'walk has a visible joint that is not finite in frame 4'),
        (
            altered('keypoints', 1, slice(None), 7),
            'walk has all visible 2D joints at one place in frame 6: a box needs',
        ),
        (dict(keypoints=GOOD.keypoints / 1000), 'keypoints of walk reaches .* looks like normalised coordinates'),
    ],
)
def test_other_units_and_unknown_joints_are_refused_and_those_marked_as_such_are_not(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        write_annotation(tmp_path / 'a.npz', [GOOD._replace(**changes)], 50)
    assert not list(tmp_path.iterdir())
    for value in (0, np.nan, 1e6):
        hidden = altered('keypoints_3d', 1, 5, value) | altered('keypoints', 1, 5, value)
        write_annotation(tmp_path / 'a.npz', [GOOD._replace(**hidden, keypoints_visible=HIDDEN)], 50)
    left_out = altered('keypoints_3d', 1, slice(None), 0)
    write_annotation(tmp_path / 'b.npz', [GOOD._replace(**left_out, evaluated=np.array([True, False]))], 50)


def test_rates_that_a_reader_refuses(tmp_path):
    with pytest.raises(InputError, match=r"expected 'frame_rate' of 0.1 to 1000 frames a second, got 0.04"):
        write_annotation(tmp_path / 'a.npz', [GOOD], 0.04)
    with pytest.raises(InputError, match="'frame_rate' is 25 frames a second, but its folder says 50"):
        write_annotation(tmp_path / 'fps50/a.npz', [GOOD], 25)


def test_cameras_have_images_of_their_own(tmp_path):
    lists = [
        sequence('walk', [1], 0)._replace(
            subject='', camera=camera, keypoints=np.arange(34.0).reshape(1, 17, 2).tolist()
        )
        for camera in ('', 'left')
    ]
    write_annotation(tmp_path / 'a.npz', [*lists, lists[1]._replace(name='run.left')], 12.5)
    npz = np.load(tmp_path / 'a.npz')
    expected = ['walk/walk_000001.jpg', 'walk.left/walk.left_000001.jpg', 'run.left/run.left_000001.jpg']
    assert npz['imgname'].tolist() == expected and (npz['part'][0, 16] == [32, 33, 1]).all()
