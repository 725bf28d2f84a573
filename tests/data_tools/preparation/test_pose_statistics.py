import numpy as np
import pytest

SHAPES = dict(joint2d_stats=(17, 2), joint3d_stats=(17, 3), joint2d_rel_stats=(16, 2), joint3d_rel_stats=(16, 3))


@pytest.mark.parametrize('rate', ['50', '16.6667'])
def test_statistics_of_the_training_set(prepared, read_arrays, rate):
    """They are those of MMPose's converter: over all frames, without the root where it is zero."""
    out, _ = prepared
    folder = out / f'annotation_body3d/fps{rate}'
    assert {path.stem for path in folder.glob('*.pkl')} == SHAPES.keys()
    arrays = read_arrays(out, 'train', rate)
    for name, shape in SHAPES.items():
        joints = arrays['part' if '2d' in name else 'S'][..., :-1]
        if 'rel' in name:
            joints = joints[:, 1:] - joints[:, :1]
        stats = np.load(folder / f'{name}.pkl', allow_pickle=True)
        assert sorted(stats) == ['mean', 'std'] and stats['mean'].shape == shape and stats['std'].dtype == np.float64
        np.testing.assert_allclose(stats['mean'], joints.mean(axis=0), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(stats['std'], joints.std(axis=0), rtol=1e-9)
