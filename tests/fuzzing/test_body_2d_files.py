"""Annotations of COCO and MPII."""

import json

import numpy as np
import pytest
from mmpose.registry import DATASETS

SOURCES = dict(
    coco=('CocoBodyDataset', 'annotations/person_keypoints_train2017.json', 'train2017/'),
    mpii=('MpiiBodyDataset', 'annotations/mpii_train.json', 'images/'),
)
LEFT_KNEE = dict(coco=13, mpii=4)  # joint 5 of Human3.6M


def knee(source, content, identity):
    """(u, v) px counted from 0 of a person's left knee as in the file."""
    if source == 'mpii':
        return np.array(content[identity]['joints'], float)[LEFT_KNEE[source]] - 1
    *_, person = (person for person in content['annotations'] if person['id'] == identity)
    return np.reshape(person['keypoints'], (17, 3))[LEFT_KNEE[source], :2]


def judge_for(source):
    def judge(content, samples):
        assert samples
        for sample in samples:
            (x1, y1, x2, y2), (joints,), (visible,) = *sample['bbox'], sample['keypoints'], sample['keypoints_visible']
            assert np.isfinite(joints).all() and x1 < x2 and y1 < y2
            inside = (joints >= (x1, y1)).all(axis=1) & (joints <= (x2, y2)).all(axis=1)
            assert (inside & (visible > 0)).any() and set(visible) <= {0, 1}
            if visible[5]:
                np.testing.assert_allclose(joints[5], np.float32(knee(source, content, sample['id'])), atol=1e-3)

    return judge


def reader(root, source):
    """What reads the annotation, each time anew."""
    kind, ann_file, images = SOURCES[source]
    cfg = dict(type=kind, ann_file=ann_file, data_root=str(root), data_prefix=dict(img=images), lazy_init=True)
    return DATASETS.build(cfg).load_data_list


@pytest.mark.parametrize('source', SOURCES)
def test_json_tree(fuzz, damaged, body_2d_root, tmp_path, source):
    path = tmp_path / SOURCES[source][1]
    path.parent.mkdir()
    content = json.loads((body_2d_root / source / SOURCES[source][1]).read_text())
    fuzz(
        damaged.tree(content),
        lambda case: path.write_text(json.dumps(case)),
        reader(tmp_path, source),
        judge_for(source),
        names=path,
    )


@pytest.mark.parametrize('source', SOURCES)
def test_json_bytes(fuzz, damaged, body_2d_root, tmp_path, source):
    path = tmp_path / SOURCES[source][1]
    path.parent.mkdir()
    fuzz(
        damaged.bytes((body_2d_root / source / SOURCES[source][1]).read_bytes()),
        path.write_bytes,
        reader(tmp_path, source),
        lambda case, samples: judge_for(source)(json.loads(case), samples),
        names=path,
    )
