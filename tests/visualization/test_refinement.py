import numpy as np
import pytest
from mmpose.registry import DATASETS

from depth_refine.datasets import H36MAnnotation, write_sequence_store
from depth_refine.visualization import refinement_frames


@pytest.fixture
def dataset(data_root, tmp_path):
    folder = data_root / 'annotation_body3d'
    annotation = H36MAnnotation(folder / 'fps50/h36m_test.npz', folder / 'cameras.pkl')
    depth = annotation.keypoints_3d[..., 2:] - annotation.keypoints_3d[:, :1, 2:]
    with write_sequence_store(tmp_path / 'store', annotation, 'annotation', {}) as writer:
        rows = np.arange(len(annotation))
        writer.write(rows, np.concatenate([annotation.keypoints, depth], axis=-1), np.ones((len(rows), 17)))
    return DATASETS.build(
        dict(
            type='H36MDepthSequenceDataset',
            data_root=str(data_root),
            ann_file='annotation_body3d/fps50/h36m_test.npz',
            input_source='2d+depth',
            depth_store=tmp_path / 'store',
            seq_len=5,
            test_mode=True,
        )
    )


def test_frames_of_a_perfect_first_stage(dataset):
    names = [sequence.name for sequence in dataset.annotation.sequences][5:3:-1]
    refined = {name: np.random.default_rng(i).normal(size=(12, 17, 3)) for i, name in enumerate(names)}
    frames = list(refinement_frames(dataset, refined, names, step=5))
    assert [frame.title for frame in frames] == [
        f'S9 {action}, frame {t}'
        for action in (dataset.annotation.sequences[i].action for i in (5, 4))
        for t in (1, 6, 11)
    ]
    rows = dataset.annotation.sequences[5].rows
    np.testing.assert_allclose(frames[1].truth, dataset.annotation.keypoints_3d[rows[5]])
    np.testing.assert_allclose(frames[1].predictions['first stage'], frames[1].truth, atol=1e-3)
    np.testing.assert_array_equal(frames[4].predictions['refined'], refined[names[1]][5])
    assert all(frame.image.shape == (64, 64, 3) for frame in frames)


def test_other_kinds_of_data_sets(dataset):
    dataset.input_source = '2d'
    with pytest.raises(ValueError, match='needs whole videos with depths'):
        next(refinement_frames(dataset, {}, []))
