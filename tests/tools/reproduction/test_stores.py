import json

import numpy as np
import pytest
from reproduction.cell import Row, cell_config
from reproduction.stores import first_stage_result, provenance

from depth_refine.functional.camera import back_project
from depth_refine.utils.errors import InputError


@pytest.fixture
def cfg(settings, data_root):
    return cell_config(Row('refiner_1'), 0, settings(data_root=data_root))


def test_errors_of_a_store(cfg, data_root, stores):
    result = first_stage_result(cfg, stores)
    # by hand, from the files alone
    annotation = np.load(data_root / 'annotation_body3d/fps50/h36m_test.npz')
    cameras = np.load(data_root / 'annotation_body3d/cameras.pkl', allow_pickle=True)
    keypoints = np.load(stores / 'h36m_test/keypoints.npy').astype(float)
    errors = {'Walking': [], 'Greeting': []}
    for name, joints, pose in zip(annotation['imgname'], annotation['S'][..., :3], keypoints, strict=True):
        camera = cameras['S9', name.split('.')[1].split('_')[0].split('/')[0]]
        pred = back_project(pose[:, :2], pose[:, 2] + joints[0, 2], camera)
        error = np.linalg.norm(pred - pred[0] - joints + joints[0], axis=-1).mean()
        errors['Walking' if 'Walking' in name else 'Greeting'].append(1000 * error)
    for action, values in errors.items():
        assert result['by_action'][action]['MPJPE'] == pytest.approx(np.mean(values), rel=1e-4)
    assert result['metrics']['h36m/MPJPE_mm'] == pytest.approx(np.mean([np.mean(v) for v in errors.values()]), rel=1e-4)
    for split, error in result['depth_error_mm'].items():
        depth = np.load(data_root / f'annotation_body3d/fps50/h36m_{split}.npz')['S'][..., 2]
        depth_error = np.load(stores / f'h36m_{split}/keypoints.npy')[..., 2] - (depth - depth[:, :1])
        assert error == pytest.approx(1000 * np.abs(depth_error[:, 1:]).mean(), rel=1e-4)
    assert len(result['depth_error_mm']) == 2


def test_provenance_of_one_first_stage(cfg, make_stores, stores, tmp_path):
    assert provenance(stores, cfg)['checkpoint']['file'] == 'c.pth'
    other = make_stores(tmp_path / 'other', test=dict(checkpoint=dict(file='other.pth', sha256='f' * 64)))
    message = r'not made by one first stage: checkpoint is .*c\.pth.* in h36m_train and .*other\.pth.* in h36m_test'
    with pytest.raises(InputError, match=message):
        provenance(other, cfg)
    with pytest.raises(InputError, match=r'no depth sequence store at .*nowhere'):
        provenance(tmp_path / 'nowhere', cfg)

    # it holds the content
    other = make_stores(tmp_path / 'same')
    assert provenance(other, cfg) == provenance(stores, cfg)
    path = other / 'h36m_test/store.json'
    meta = json.loads(path.read_text())
    meta['sha256']['keypoints.npy'] = 'f' * 64
    path.write_text(json.dumps(meta))
    assert provenance(other, cfg) != provenance(stores, cfg)
    meta['annotation']['sha256'] = 'f' * 64
    path.write_text(json.dumps(meta))
    with pytest.raises(InputError, match=r'h36m_test is not of .*h36m_test\.npz: it was made for another annotation'):
        provenance(other, cfg)
