import json

import numpy as np
import pytest

from depth_refine.data_tools.checks import stores as check_stores
from depth_refine.data_tools.checks.findings import Findings
from depth_refine.datasets import H36MAnnotation, write_sequence_store


@pytest.fixture
def annotation(data_root):
    folder = data_root / 'annotation_body3d'
    return H36MAnnotation(folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl')


def write(path, annotation, offset, has_depth=True):
    depth = annotation.keypoints_3d[..., 2:] - annotation.keypoints_3d[:, :1, 2:] + offset[2]
    depth = depth if has_depth else np.full_like(depth, np.nan)
    keypoints = np.concatenate([annotation.keypoints + offset[:2], depth], axis=-1)
    with write_sequence_store(path, annotation, 'pelvis_2m', {}, has_depth=has_depth) as writer:
        writer.write(np.arange(len(annotation)), keypoints, np.ones((len(annotation), 17)))


def check(path, annotation):
    findings = Findings()
    check_stores.check_store(path, annotation, 'store', findings)
    (finding,) = findings
    return finding


def test_errors_in_chunks(tmp_path, annotation, monkeypatch):
    monkeypatch.setattr(check_stores, '_CHUNK', 7)
    write(tmp_path / 'a', annotation, [3, -4, -0.02])
    message = "bbox_policy 'pelvis_2m', mean error against the annotation 5.0 px, 20.0 mm in depth"
    assert check(tmp_path / 'a', annotation) == ('ok', 'store', message)
    write(tmp_path / 'b', annotation, [30, 40.5, 0], has_depth=False)
    finding = check(tmp_path / 'b', annotation)
    assert finding.kind == 'note' and finding.message.endswith('50.4 px, without depths')


def test_not_finite(tmp_path, annotation):
    write(tmp_path / 'a', annotation, [0, 0, 0])
    keypoints = np.load(tmp_path / 'a/keypoints.npy')
    keypoints[7:9, 3, 2] = np.nan
    np.save(tmp_path / 'a/keypoints.npy', keypoints)
    scores = np.load(tmp_path / 'a/scores.npy')
    scores[50, 0] = np.inf
    np.save(tmp_path / 'a/scores.npy', scores)
    assert 'keypoints.npy is not as it was written' in check(tmp_path / 'a', annotation).message
    meta = json.loads((tmp_path / 'a/store.json').read_text())
    del meta['sha256']  # as in older stores
    (tmp_path / 'a/store.json').write_text(json.dumps(meta))
    finding = check(tmp_path / 'a', annotation)
    assert finding.kind == 'problem' and finding.message.startswith('3 of 96 frames are not finite')


def test_damaged(tmp_path, annotation):
    write(tmp_path / 'a', annotation, [0, 0, 0])
    np.save(tmp_path / 'a/scores.npy', np.ones((95, 17), np.float32))
    finding = check(tmp_path / 'a', annotation)
    assert finding.kind == 'problem' and 'expected float32 of shape (96, 17)' in finding.message


def test_find_stores(tmp_path, annotation):
    assert check_stores.find_stores(tmp_path) == {}
    folder = tmp_path / 'depth_sequences'
    write(folder / 'x/h36m_train', annotation, [0, 0, 0])
    for name, content in (('y', '{'), ('z', json.dumps([1])), ('zz', json.dumps(dict(annotation={})))):
        (folder / name).mkdir()
        (folder / name / 'store.json').write_text(content)
    expected = {'x/h36m_train': annotation.sha256, 'y': None, 'z': None, 'zz': None}
    assert check_stores.find_stores(tmp_path) == {folder / name: owner for name, owner in expected.items()}
