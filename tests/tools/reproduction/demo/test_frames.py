from dataclasses import replace

import av
import numpy as np
import pytest
from mmpose.registry import DATASETS
from reproduction.demo.frames import refinement_frames, write_pose_video

from depth_refine.datasets import H36MAnnotation, write_sequence_store
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError
from depth_refine.visualization import PoseFrame


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


@pytest.fixture
def frame():
    """A pose of random joints 4 m before the camera, no image."""
    truth = np.random.default_rng(0).normal(scale=0.4, size=(17, 3)) + [0, 0, 4]
    return PoseFrame(H36M, None, None, truth, {'first stage': truth + 0.1, 'refined': truth})


def test_video_of_every_frame_with_a_swinging_view(frame, tmp_path):
    write_pose_video((frame for _ in range(9)), tmp_path / 'poses.mp4', fps=2)
    with av.open(str(tmp_path / 'poses.mp4')) as container:
        assert container.streams.video[0].average_rate == 2
        images = [image.to_ndarray(format='bgr24').astype(int) for image in container.decode(video=0)]
    assert len(images) == 9 and images[0].shape == (422, 4 * 340, 3)
    change = np.abs(images[0] - images[8])[:392]
    assert change[:, 340:].max() > 100 and change[:, :340].max() < 40, 'the input stays'


def test_video_of_other_predictions_is_refused_without_leaving_anything(frame, tmp_path):
    frames = [frame, replace(frame, predictions={'refined': frame.truth})]
    with pytest.raises(InputError, match=r'images of one size, \(422, 1360, 3\), got \(422, 1020, 3\)'):
        write_pose_video(frames, tmp_path / 'poses.mp4', fps=25)
    assert not list(tmp_path.iterdir())
