from pathlib import Path

import numpy as np
import pytest
from documents import ROOT, blocks
from motion_file import motion_clips, write_motion
from skeletons import MPI_INF_3DHP, smpl_metainfo

from depth_refine.data_tools.conversion.joint_orders import ORDERS
from depth_refine.datasets.motion_clips import MotionClips
from depth_refine.structures.skeleton import H36M, Skeleton
from depth_refine.utils.errors import InputError

SMPL = Skeleton.from_metainfo(smpl_metainfo(), 'pelvis')


@pytest.mark.parametrize(
    'skeleton', [H36M, SMPL, Skeleton.from_metainfo(MPI_INF_3DHP, 'root')], ids=['h36m', 'smpl', 'mpi']
)
@pytest.mark.parametrize('fps', [50, 60, 119.88, 24])
def test_clips_at_another_rate(fps, skeleton, tmp_path):
    path = write_motion(tmp_path / 'motion.npz', skeleton, lengths=(61, 80), fps=fps)
    clips = MotionClips(path, skeleton, 50.0, views=2)
    truth = motion_clips(skeleton, lengths=(200, 200), fps=50)
    counts = [int((length - 1) / fps * 50 + 1e-6) + 1 for length in (61, 80)]
    assert len(clips) == sum(counts) == len(clips.img_names) and clips.frame_rate == 50
    assert [len(sequence.rows) for sequence in clips.sequences] == [counts[0]] * 2 + [counts[1]] * 2
    assert [sequence.subject for sequence in clips.sequences] == ['subject0'] * 2 + ['subject1'] * 2
    assert len({sequence.name for sequence in clips.sequences}) == 4
    for clip, sequence in enumerate(clips.sequences[::2]):
        expected = truth['positions'][truth['clip'] == clip][: counts[clip]].copy()
        got = clips.keypoints_3d[sequence.rows]
        expected[..., 2] += (got - expected)[..., 2].mean()  # their floors are not those of as many frames
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, atol=2e-3)
        np.testing.assert_array_equal(clips.frames[sequence.rows], np.arange(counts[clip]))


def test_subjects(tmp_path):
    data = motion_clips(lengths=(9, 8, 7)) | dict(subject=np.array(['a', 'b', 'a']), names=np.array(['x', 'y', 'z']))
    np.savez(tmp_path / 'motion.npz', **data)
    clips = MotionClips(tmp_path / 'motion.npz', H36M, 50.0, ['a'])
    assert [sequence.name for sequence in clips.sequences] == ['0_x.0', '2_z.0']
    np.testing.assert_array_equal(clips.keypoints_3d, data['positions'][data['clip'] != 1])
    with pytest.raises(InputError, match=r"no subject 'c': expected some of \['a', 'b'\]"):
        MotionClips(tmp_path / 'motion.npz', H36M, 50.0, ['a', 'c'])


POSITIONS, WRONG_ORDER = (
    motion_clips()['positions'],
    np.array(['head', *H36M.joint_names[1:10], 'root', *H36M.joint_names[11:]]),
)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(fps=None), r"keys \['fps'\] are missing"),
        (dict(positions=POSITIONS[:, :16]), r'must be \(N, 17, 3\) floats'),
        (dict(positions=POSITIONS.astype(int)), 'floats'),
        (dict(positions=POSITIONS * 1000), r'got \d+ \(millimetres\? divide by 1000\)'),
        (dict(positions=POSITIONS * 100), r'[(; ]centimetres\? divide by 100'),
        (dict(positions=POSITIONS / 0.0254), r'\(inches\? divide by 39\.37; centimetres'),
        (dict(positions=POSITIONS / 0.3048), r'\(feet\? divide by 3\.281\)'),
        (dict(positions=POSITIONS[..., [0, 2, 1]]), 'z up'),
        (dict(positions=POSITIONS * [1, 1, -1]), 'z up'),
        (dict(positions=POSITIONS + [0, 0, 3]), 'floor'),
        (dict(positions=np.where(np.arange(101)[:, None, None] == 7, np.nan, POSITIONS)), 'NaN.*first in frame 7'),
        (dict(clip=np.zeros(101, int)), "'clip' must have the values 0 to 1"),
        (dict(clip=np.zeros(100, int)), r"'clip' must be \(101,\)"),
        (dict(clip=np.r_[0, np.ones(100, int)]), 'clip 0.*two frames or more'),
        (dict(subject=np.array(['a', 'b', 'c'])), "'clip' must have the values 0 to 2"),
        (dict(names=np.array(['a'])), r"'names' must be \(clips,\)"),
        (dict(fps=np.array(0.02)), "'fps' must be one number from 1 to 1000"),
        (dict(fps=np.array([50, 50])), "'fps' must be one number"),
        (dict(joint_names=WRONG_ORDER), 'another order'),
        (dict(joint_names=np.char.title(np.char.replace(WRONG_ORDER, '_', ' '))), 'another order'),
        (dict(joint_names=np.array(ORDERS['coco'])), 'another order'),
        (dict(joint_names=np.array(['Hips', 'RightUpLeg', *'abcdefghijklmno'])), 'of another skeleton than'),
        (dict(joint_names=np.array(H36M.joint_names[:16])), 'of another skeleton than'),
        (
            motion_clips(lengths=(200, 200)) | dict(fps=np.array(800.0)),
            "'fps' is 800, at which joints accelerate by [0-9]+ m/s² in the median",
        ),
    ],
)
def test_bad_files(changes, message, tmp_path):
    path = tmp_path / 'motion.npz'
    np.savez(path, **{key: value for key, value in (motion_clips() | changes).items() if value is not None})
    with pytest.raises(InputError, match=message) as error:
        MotionClips(path, H36M, 50.0)
    assert str(path) in str(error.value)


@pytest.mark.parametrize('change', [lambda n: n.title().replace('_', ''), lambda n: n.replace('foot', 'ankle').upper()])
def test_names_in_another_spelling(change, tmp_path):
    np.savez(tmp_path / 'motion.npz', **motion_clips(), joint_names=[change(name) for name in H36M.joint_names])
    assert len(MotionClips(tmp_path / 'motion.npz', H36M, 50.0)) == 101


def test_the_documented_script_makes_files_of_recordings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recorded, names = motion_clips(lengths=(241, 161, 121), fps=120), ('anna_walk', 'carl_bow', 'bob_walk')
    Path('recordings').mkdir()
    for clip, name in enumerate(names):
        np.save(f'recordings/{name}.npy', recorded['positions'][recorded['clip'] == clip])
    ((_, script),) = blocks((ROOT / 'docs/motion_files.md').read_text(), 'python')
    exec(script, {})
    Path('recordings/carl_bow.npy').unlink()
    with pytest.raises(SystemExit, match='recordings/ has no clips for test'):
        exec(script, {})
    for split, expected in (('train', {'anna': 101, 'bob': 51}), ('test', {'carl': 67})):
        clips = MotionClips(f'data/motion/{split}.npz', H36M, 50.0)
        assert {sequence.subject: len(sequence.rows) for sequence in clips.sequences} == expected
    assert [sequence.name for sequence in clips.sequences] == ['0_carl_bow.0']


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r'no motion file .*: .*docs/motion_files\.md'):
        MotionClips(tmp_path / 'motion.npz', H36M, 50.0)
    (tmp_path / 'motion.npz').write_bytes(b'PK')
    with pytest.raises(InputError, match='cannot be read'):
        MotionClips(tmp_path / 'motion.npz', H36M, 50.0)
