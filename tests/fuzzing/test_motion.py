"""Motion files."""

import numpy as np
import pytest

from depth_refine.structures.skeleton import bone_lengths
from depth_refine.synthetic.mocap import read_clips
from depth_refine.synthetic.motion import make_motion
from depth_refine.synthetic.subjects import make_proportions


@pytest.fixture(scope='module')
def arrays():
    rng = np.random.default_rng(0)
    clips = [make_motion(name, make_proportions(0, 0), rng, 4)[0] for name in ('Walking', 'Greeting')]
    names = dict(subject=np.array(['a', 'b']), names=np.array(['walk', 'wave']))
    return dict(positions=np.concatenate(clips).astype('f4'), clip=np.repeat([0, 1], 4), fps=np.array(25.0)) | names


def check_clips(arrays, clips):
    """Bones are the file's, at the times of its frames."""
    assert len(clips) == len(arrays['subject'])
    for index, clip in enumerate(clips):
        assert clip.subject.isalnum() and clip.action.removesuffix('_1').isalnum() and np.isfinite(clip.joints).all()
        original = np.float64(arrays['positions'][arrays['clip'] == index])
        if (step := 50 / float(arrays['fps'])) in (1, 2):
            assert len(clip.joints) == (len(original) - 1) * step + 1
            got, expected = (bone_lengths(joints)[:, 9:] for joints in (clip.joints[:: int(step)], original))
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_motion(fuzz, arrays, tmp_path):
    path = tmp_path / 'motion.npz'
    fuzz.tree(path, arrays, fuzz.npz, read_clips, check_clips)
    fuzz.bytes(path, fuzz.npz(arrays), read_clips, lambda _, clips: check_clips(arrays, clips))
