import re

import numpy as np
import pytest

from depth_refine.synthetic.mocap import read_clips
from depth_refine.synthetic.motion import make_motion
from depth_refine.synthetic.subjects import make_proportions
from depth_refine.utils.errors import InputError


def small_motion():
    """Three clips of two subjects, 12, 20 and 9 frames, away from the origin."""
    rng = np.random.default_rng(0)
    clips = [
        make_motion(name, make_proportions(who, 0), rng, frames)[0] + [3.0, -2.0, 0]
        for name, who, frames in (('Walking', 0, 12), ('Greeting', 0, 20), ('Posing', 1, 9))
    ]
    return {
        'positions': np.concatenate(clips).astype(np.float32),
        'clip': np.repeat([0, 1, 2], [12, 20, 9]).astype(np.int32),
        'fps': np.array(50),
        'subject': np.array(['cmu_05', 'cmu_05', '131']),
        'description': np.array(['walk, slowly', 'wave.hello/again & again and again', '...']),
    }


@pytest.fixture
def motion_file(tmp_path):
    def write(**changes):
        data = {key: value for key, value in {**small_motion(), **changes}.items() if value is not None}
        np.savez(tmp_path / 'motion.npz', **data)
        return tmp_path / 'motion.npz'

    return write


def test_poses_survive(motion_file):
    data = small_motion()
    clips = read_clips(motion_file())
    assert [len(clip.joints) for clip in clips] == [12, 20, 9]
    for index, clip in enumerate(clips):
        original = data['positions'][data['clip'] == index].astype(np.float64)
        hips = (original[:, 1] + original[:, 4]) / 2
        np.testing.assert_allclose(clip.joints[:, 1:] - clip.joints[:, :1], original[:, 1:] - hips[:, None], atol=1e-9)
        np.testing.assert_array_equal(clip.joints[..., 1:, 2], original[..., 1:, 2])
        np.testing.assert_allclose(clip.joints[:, 0], (clip.joints[:, 1] + clip.joints[:, 4]) / 2, atol=1e-12)
        ground = clip.joints[:, 1:, :2].reshape(-1, 2)
        np.testing.assert_allclose(ground.min(axis=0), -ground.max(axis=0), atol=1e-9)


def test_names_are_safe_in_file_names(motion_file):
    clips = read_clips(motion_file())
    assert [clip.subject for clip in clips] == ['cmu05', 'cmu05', '131']
    assert [clip.action for clip in clips] == ['WalkSlowly', 'WaveHelloAgainAgain', 'Clip2']


@pytest.mark.parametrize(
    ('names', 'expected'), [(['05_01', 'x', 'y z'], ['0501', 'X', 'YZ']), (None, ['Clip0', 'Clip1', 'Clip2'])]
)
def test_names_stand_in_for_descriptions(motion_file, names, expected):
    path = motion_file(description=None, names=None if names is None else np.array(names))
    assert [clip.action for clip in read_clips(path)] == expected


@pytest.mark.parametrize('fps', [25.0, 100, 120])
def test_other_rates_are_resampled_to_50(motion_file, fps):
    """The same movement, sampled at another rate: a sum of slow sines, which splines reproduce."""

    def movement(t):
        phase = np.linspace(0, 3, 51).reshape(17, 3)
        base = small_motion()['positions'][0]
        return base + 0.05 * np.sin(2 * np.pi * t[:, None, None] + phase)

    count = int(2 * fps) + 1
    path = motion_file(
        positions=movement(np.arange(count) / fps), clip=np.zeros(count, int), fps=np.array(fps),
        subject=np.array(['a']), description=np.array(['b']),
    )  # fmt: skip
    (clip,) = read_clips(path)
    assert len(clip.joints) == 101
    expected = movement(np.arange(101) / 50)
    relative = [joints[:, 2:] - joints[:, 2:3] for joints in (clip.joints, expected)]
    np.testing.assert_allclose(*relative, atol=2e-4)


def test_frames_limits_every_clip(motion_file):
    assert [len(clip.joints) for clip in read_clips(motion_file(), frames=10)] == [10, 10, 9]


def changed(key, index, value):
    array = small_motion()[key].copy()
    array[index] = value
    return {key: array}


POSITIONS = small_motion()['positions']
BAD = {
    'missing key': ({'fps': None}, r"motion\.npz has no \['fps'\]: expected the keys .*'subject'.*, got \['clip'"),
    'joints': ({'positions': POSITIONS[:, :16]}, r"'positions' must be \(N, 17, 3\) .* got float32 \(41, 16, 3\)"),
    'integers': ({'positions': np.zeros((41, 17, 3), int)}, r"'positions' must be .* floats.* got int64"),
    'clip shape': ({'clip': np.zeros(40, int)}, r"'clip' must be \(41,\), .* got int64 \(40,\)"),
    'clip type': (
        {'clip': np.repeat([0j, 1j], [12, 29])},
        r"'clip' must be .* an index for each frame, got complex128",
    ),
    'clip gap': ({'clip': np.repeat([0, 1, 3], [12, 20, 9])}, r"'clip' must have the values 0 to 2.* got \[0, 1, 3\]"),
    'subjects': ({'subject': np.array('a')}, r"'subject' must be \(clips,\), got \(\)"),
    'descriptions': ({'description': np.array(['a'])}, r"'description' must be \(clips,\), got \(1,\)"),
    'fps': ({'fps': np.array(0)}, r"'fps' must be one number from 1 to 1000, got 0"),
    'fps per clip': ({'fps': np.array([50, 50, 50])}, r"'fps' must be one number from 1 to 1000"),
    'fps in words': ({'fps': np.array('50')}, r"'fps' must be one number from 1 to 1000, got 50"),
    'fps too low': ({'fps': np.array(1e-9)}, r"'fps' must be one number from 1 to 1000"),
    'nan': (changed('positions', (7, 3, 1), np.nan), r"'positions' has NaN or infinity in 1 frames, first in frame 7"),
    'infinity': (changed('positions', (slice(5, 9), 0, 0), np.inf), r'NaN or infinity in 4 frames, first in frame 5'),
    'millimetres': ({'positions': 1000 * POSITIONS}, r'clip 0 .* expected metres.* got \d+ \(millimetres\? divide'),
    'centimetres': ({'positions': 100 * POSITIONS}, r'clip 0 .* expected metres.* together, got \d+\.?\d*$'),
    'y up': ({'positions': POSITIONS[..., [0, 2, 1]]}, r'clip 0 .* expected z up.* reorder the axes'),
    'upside down': ({'positions': POSITIONS * np.float32([1, 1, -1])}, r'expected z up'),
    'floor': ({'positions': POSITIONS + np.float32([0, 0, 0.9])}, r'expected the floor near z = 0.* got 0\.\d\d m'),
    'one frame': ({'clip': np.repeat([0, 1, 2], [12, 28, 1])}, r'clip 2 .* has 1 frame, expected two or more'),
    'objects': ({'subject': np.array(['a', None, 'b'], dtype=object)}, r'motion\.npz cannot be read as an npz file'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_files(motion_file, case):
    changes, message = BAD[case]
    with pytest.raises(InputError, match=re.compile('.*motion.npz.*', re.DOTALL)) as error:
        read_clips(motion_file(**changes))
    assert re.search(message, str(error.value)), error.value


def test_files_that_are_not_npz(tmp_path):
    with pytest.raises(InputError, match=r'no motion file .*none\.npz'):
        read_clips(tmp_path / 'none.npz')
    np.save(tmp_path / 'array.npy', np.zeros(3))
    (tmp_path / 'text.npz').write_text('walk this way')
    (tmp_path / 'cut.npz').write_bytes(b'PK\x03\x04 cut off')
    for name in ('array.npy', 'text.npz', 'cut.npz'):
        with pytest.raises(InputError, match=rf'{name} cannot be read as an npz file'):
            read_clips(tmp_path / name)
