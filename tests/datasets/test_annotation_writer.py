import numpy as np
import pytest

from depth_refine.datasets import AnnotatedSequence, write_annotation


def sequence(name, frames, seed):
    rng = np.random.default_rng(seed)
    shape = len(frames), 17
    return AnnotatedSequence(
        name,
        np.array(frames),
        rng.uniform(0, 1000, (*shape, 2)),
        rng.uniform(-1, 6, (*shape, 3)).astype(np.float32),
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
