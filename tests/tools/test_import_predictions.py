import json

import numpy as np
import pytest

from depth_refine.datasets import H36MAnnotation, SequenceStore


@pytest.fixture
def annotation(data_root):
    folder = data_root / 'annotation_body3d'
    return H36MAnnotation(folder / 'fps50/h36m_test.npz', folder / 'cameras.pkl')


@pytest.fixture
def predictions(annotation, tmp_path):
    """A folder of predictions: the truth in mm, with one joint not found."""
    for sequence in annotation.sequences:
        rows = sequence.rows
        scores = np.ones((len(rows), 17))
        scores[0, 5] = 0
        depth = annotation.keypoints_3d[rows, :, 2] * 1000
        arrays = dict(frames=annotation.frames[rows] - 1, keypoints=annotation.keypoints[rows], depth=depth)
        np.savez(tmp_path / f'{sequence.name}.npz', **arrays, scores=scores)
    return tmp_path


def test_import(run_tool, annotation, predictions):
    out = predictions / 'stores/h36m_test'
    files = ('--keypoints', predictions, '--joint-order', 'h36m', '--first-frame', 0, '--depth-unit', 'mm')
    ended = run_tool('import_predictions', annotation.path, out, *files, '--estimator', 'Somenet v2')
    assert ended.status == 0
    assert ended.out.splitlines() == [
        f'wrote {out}: 96 frames of 8 videos',
        f'{800 / 96 / 17:.2f} % of the joints were not found; they are interpolated, with score 0',
        f"read it with depth_store='{out}', input_source='2d+depth' and bbox_policy='published' in a refiner's config",
    ]
    store = SequenceStore(out, annotation)
    expected = annotation.keypoints_3d[..., 2] - annotation.keypoints_3d[:, :1, 2]
    found = store.scores > 0
    assert found.sum() == found.size - 8 and store.meta['config'] == 'Somenet v2'
    np.testing.assert_allclose(store.keypoints[..., 2][found], expected[found], atol=1e-5)


def test_depths_of_mmposes_3d_files(run_tool, annotation, tmp_path):
    """Whose axes are turned: (-x, z, -y)."""
    (tmp_path / '2d').mkdir()
    (tmp_path / '3d').mkdir()
    for sequence in annotation.sequences:
        rows = sequence.rows
        arrays = dict(frames=annotation.frames[rows] - 1, keypoints=annotation.keypoints[rows])
        np.savez(tmp_path / f'2d/{sequence.name}.npz', **arrays)
        x, y, z = np.moveaxis(annotation.keypoints_3d[rows], -1, 0)
        poses = np.stack([-x, z, -y], axis=-1).tolist()
        people = [[dict(keypoints=pose, keypoint_scores=[1.0] * 17)] for pose in poses]
        frames = [dict(frame_id=number, instances=those) for number, those in enumerate(people)]
        (tmp_path / f'3d/{sequence.name}.json').write_text(json.dumps(frames))
    files = ('--keypoints', tmp_path / '2d', '--joint-order', 'h36m', '--first-frame', 0, '--lifted', tmp_path / '3d')
    origin = ('--depth-unit', 'm', '--estimator', 'Somenet + Lifter')
    ended = run_tool('import_predictions', annotation.path, tmp_path / 'store', *files, *origin)
    assert ended.status == 0, ended
    expected = annotation.keypoints_3d[..., 2] - annotation.keypoints_3d[:, :1, 2]
    np.testing.assert_allclose(SequenceStore(tmp_path / 'store', annotation).keypoints[..., 2], expected, atol=1e-5)
