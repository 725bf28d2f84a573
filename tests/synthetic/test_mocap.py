import numpy as np
import pytest

from depth_refine.synthetic.mocap import read_clips
from depth_refine.utils.errors import InputError


@pytest.fixture
def motion_file(clips, tmp_path):
    """Write the clips with changed arrays; None removes one, a function gets the array."""

    def write(**changes):
        data = clips | {key: value(clips[key]) if callable(value) else value for key, value in changes.items()}
        np.savez(tmp_path / 'motion.npz', **{key: value for key, value in data.items() if value is not None})
        return tmp_path / 'motion.npz'

    return write


def test_poses_survive(clips, motion_file):
    performances = read_clips(motion_file())
    assert [(p.subject, p.subject_index) for p in performances] == [('cmu05', 0), ('cmu05', 0), ('131', 1)]
    assert [len(p.joints) for p in performances] == [12, 20, 9]
    for index, p in enumerate(performances):
        original = clips['positions'][clips['clip'] == index].astype(np.float64)
        hips = (original[:, 1] + original[:, 4]) / 2
        np.testing.assert_allclose(p.joints[:, 1:] - p.joints[:, :1], original[:, 1:] - hips[:, None], atol=1e-9)
        np.testing.assert_array_equal(p.joints[..., 1:, 2], original[..., 1:, 2])
        np.testing.assert_allclose(p.joints[:, 0], (p.joints[:, 1] + p.joints[:, 4]) / 2, atol=1e-12)
        ground = p.joints[:, 1:, :2].reshape(-1, 2)
        np.testing.assert_allclose(ground.min(axis=0), -ground.max(axis=0), atol=1e-9)
    assert [len(p.joints) for p in read_clips(motion_file(), frames=10)] == [10, 10, 9]


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        ({}, ['WalkSlowly_1', 'WaveHelloAgainAgain_1', 'Clip2_1']),
        ({'description': None, 'names': ['05_01', 'x', 'y z']}, ['0501_1', 'X_1', 'YZ_1']),
        ({'description': None, 'subject': ['a', 'b', 'c']}, ['Clip0_1', 'Clip1_1', 'Clip2_1']),
        ({'description': ['go', 'go', 'go']}, ['Go_1', 'Go_2', 'Go_1']),
    ],
)
def test_actions_are_safe_in_file_names_and_have_take_numbers(motion_file, changes, expected):
    assert [p.action for p in read_clips(motion_file(**changes))] == expected


@pytest.mark.parametrize('fps', [25.0, 120])
def test_other_rates_are_resampled_to_50(clips, motion_file, fps):
    """The same movement, sampled at another rate: a sum of slow sines, which splines reproduce."""

    def movement(t):
        phase = np.linspace(0, 3, 51).reshape(17, 3)
        return clips['positions'][0] + 0.05 * np.sin(2 * np.pi * t[:, None, None] + phase)

    count = int(2 * fps) + 1
    clip = dict(positions=movement(np.arange(count) / fps), clip=np.zeros(count, int), subject=['a'], description=['b'])
    (performance,) = read_clips(motion_file(fps=fps, **clip))
    joints, expected = performance.joints, movement(np.arange(101) / 50)
    assert len(joints) == 101
    np.testing.assert_allclose(joints[:, 2:] - joints[:, 2:3], expected[:, 2:] - expected[:, 2:3], atol=2e-4)


def with_nan(positions):
    positions = positions.copy()
    positions[7:9, 3, 1] = np.nan, np.inf
    return positions


SHUFFLED = [0, 4, 13, 2, 10, 3, 16, 6, 12, 1, 9, 5, 15, 7, 11, 8, 14]
BAD = {
    'missing key': (dict(fps=None), r"the keys \['fps'\] are missing: expected .*'subject'.*, got \['clip'"),
    'joints': (dict(positions=lambda p: p[:, :16]), r"'positions' must be \(N, 17, 3\) .* got float32 \(41, 16, 3\)"),
    'integers': (dict(positions=np.zeros((41, 17, 3), int)), r"'positions' must be .* floats.* got int64"),
    'clip': (dict(clip=np.zeros(40, int)), r"'clip' must be \(41,\), an index for each frame, got int64 \(40,\)"),
    'clip gap': (dict(clip=np.repeat([0, 1, 3], [12, 20, 9])), r"'clip' must have the values 0 to 2.* got \[0, 1, 3\]"),
    'descriptions': (dict(description=['a']), r"'description' must be \(clips,\), got \(1,\)"),
    'fps': (dict(fps=0), r"'fps' must be one number from 1 to 1000, got 0"),
    'not finite': (dict(positions=with_nan), r'NaN or infinity in 2 frames, first in frame 7'),
    'millimetres': (dict(positions=lambda p: 1000 * p), r'clip 0 .* expected metres.* got \d+ \(millimetres\? divide'),
    'centimetres': (
        dict(positions=lambda p: 100 * p),
        r'clip 0 .* expected metres.* got \d+\.?\d*: another unit, or joints in',
    ),
    'order': (dict(positions=lambda p: p[:, SHUFFLED]), r'expected metres.* got \d\.\d+: .* joints in another order$'),
    'y up': (dict(positions=lambda p: p[..., [0, 2, 1]]), r'clip 0 .* expected z up.* reorder the axes'),
    'floor': (dict(positions=lambda p: p + np.float32([0, 0, 0.9])), r'expected the floor near z = 0.* got 0\.\d\d m'),
    'one frame': (dict(clip=np.repeat([0, 1, 2], [12, 28, 1])), r'clip 2 .*: expected two frames or more, got 1'),
    'objects': (dict(subject=np.array(['a', None], object)), r'cannot be read as an npz file'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_files(motion_file, case):
    changes, message = BAD[case]
    with pytest.raises(InputError, match=rf'(?s)motion\.npz.*{message}'):
        read_clips(motion_file(**changes))


def test_files_that_are_not_npz(tmp_path):
    with pytest.raises(InputError, match=r'no motion file .*none\.npz: .*docs/motion_files\.md'):
        read_clips(tmp_path / 'none.npz')
    (tmp_path / 'text.npz').write_bytes(b'PK\x03\x04 cut off')
    with pytest.raises(InputError, match=r'text\.npz cannot be read as an npz file'):
        read_clips(tmp_path / 'text.npz')
