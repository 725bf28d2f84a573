"""Annotations of COCO and MPII."""

import json

import numpy as np
import pytest
from mmpose.registry import DATASETS

SOURCES = dict(
    coco=('CocoBodyDataset', 'annotations/person_keypoints_train2017.json', 'train2017/'),
    mpii=('MpiiBodyDataset', 'annotations/mpii_train.json', 'images/'),
)


def knee(source, content, identity):
    """(u, v) px counted from 0 of a person's left knee, joint 5 of Human3.6M, as in the file."""
    if source == 'mpii':
        return np.array(content[identity]['joints'], float)[4] - 1
    *_, person = (person for person in content['annotations'] if person['id'] == identity)
    return np.reshape(person['keypoints'], (17, 3))[13, :2]


@pytest.mark.parametrize('source', SOURCES)
@pytest.mark.parametrize('way', ['bytes', 'tree'])
def test_json(fuzz, body_2d_root, tmp_path, source, way):
    kind, ann_file, images = SOURCES[source]

    def read(_):
        cfg = dict(type=kind, ann_file=ann_file, data_root=str(tmp_path), data_prefix=dict(img=images), lazy_init=True)
        return DATASETS.build(cfg).load_data_list()

    def judge(case, samples):
        assert samples
        for sample in samples:
            (x1, y1, x2, y2), (joints,), (visible,) = *sample['bbox'], sample['keypoints'], sample['keypoints_visible']
            assert np.isfinite(joints).all() and x1 < x2 and y1 < y2
            inside = (joints >= (x1, y1)).all(axis=1) & (joints <= (x2, y2)).all(axis=1)
            assert (inside & (visible > 0)).any() and set(visible) <= {0, 1}
            if visible[5]:
                expected = np.float32(knee(source, json.loads(case) if way == 'bytes' else case, sample['id']))
                np.testing.assert_allclose(joints[5], expected, atol=1e-3)

    path, content = tmp_path / ann_file, (body_2d_root / source / ann_file).read_bytes()
    path.parent.mkdir()
    if way == 'bytes':
        fuzz.bytes(path, content, read, judge)
    else:
        fuzz.tree(path, json.loads(content), fuzz.json, read, judge)
