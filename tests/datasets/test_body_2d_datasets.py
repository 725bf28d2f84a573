import json
import shutil

import cv2
import numpy as np
import pytest
from mmengine.hub import get_config
from mmpose.registry import DATASETS

from depth_refine.datasets import body_2d_datasets
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

FLIP_INDICES, JOINT_NAMES = H36M.flip_indices, H36M.joint_names
SOURCES = dict(
    coco=dict(type='CocoBodyDataset', ann_file='annotations/person_keypoints_train2017.json'),
    mpii=dict(type='MpiiBodyDataset', ann_file='annotations/mpii_train.json'),
)
SIZE = (72, 56)
# Human3.6M's name of a joint where it is not the source's
RENAMED = dict(
    coco=dict(left_foot='left_ankle', right_foot='right_ankle'),
    mpii=dict(left_foot='left_ankle', right_foot='right_ankle', root='pelvis', thorax='upper_neck', head='head_top'),
)
LEFT_OUT = dict(
    coco='crowd (1), box empty or outside the image (1), no usable joint in the box (1)',
    mpii='box empty or outside the image (1), no usable joint in the box (3)',
)
ABSENT = dict(coco={'spine', 'thorax', 'neck_base', 'head'}, mpii={'spine', 'neck_base'})


def build(root, source, **changes):
    images = dict(img='train2017/' if source == 'coco' else 'images/')
    return DATASETS.build(dict(SOURCES[source], data_root=str(root / source), data_prefix=images, **changes))


def raw_joints(root, source, person):
    """(K, 3) of px counted from 0 and visibility, by name."""
    content = json.loads((root / source / SOURCES[source]['ann_file']).read_text())
    if source == 'coco':
        joints = np.reshape(content['annotations'][person]['keypoints'], (17, 3))
    else:
        joints = np.column_stack([np.array(content[person]['joints']) - 1, content[person]['joints_vis']])
    info = get_config(f'mmpose::_base_/datasets/{source}.py').dataset_info.keypoint_info
    return {info[index]['name']: joint for index, joint in enumerate(joints)}


@pytest.mark.parametrize('source', SOURCES)
def test_joints_are_those_of_the_same_name(body_2d_root, monkeypatch, source):
    lines = []
    monkeypatch.setattr(body_2d_datasets, 'print_log', lambda message, logger: lines.append(message))
    dataset = build(body_2d_root, source)
    ann_file = body_2d_root / source / SOURCES[source]['ann_file']
    assert lines == [f'{ann_file}: {len(dataset)} persons; left out: {LEFT_OUT[source]}']
    order = {sample['id']: sample for sample in map(dataset.get_data_info, range(len(dataset)))}
    assert list(order) == ([183000, 183002, 183001, 183003] if source == 'coco' else [0, 1, 2])
    assert tuple(dataset[0]['flip_indices']) == FLIP_INDICES
    visible = set()
    for identity, sample in order.items():
        raw = raw_joints(body_2d_root, source, identity % 1000)
        assert sample['keypoints'].shape == (1, 17, 2) and sample['keypoints_visible'].shape == (1, 17)
        for name, xy, weight in zip(JOINT_NAMES, sample['keypoints'][0], sample['keypoints_visible'][0], strict=True):
            if name in ABSENT[source]:
                assert weight == 0
                continue
            if (source, name) == ('coco', 'root'):
                hips = np.array([raw['left_hip'], raw['right_hip']])
                expected = np.array([*hips[:, :2].mean(axis=0), hips[:, 2].min()])
            else:
                expected = raw[RENAMED[source].get(name, name)]
            assert weight == (expected[2] > 0)
            if weight:
                visible.add(name)
                np.testing.assert_allclose(xy, expected[:2], atol=1e-4)
    assert visible == set(JOINT_NAMES) - ABSENT[source]


def test_boxes(body_2d_root):
    margin = [dict(type='GetBBoxCenterScale', padding=1.25)]
    coco = build(body_2d_root, 'coco', pipeline=margin)[0]
    np.testing.assert_allclose(coco['bbox_center'], [[10.5 + 25, 5.25 + 30.25]])
    np.testing.assert_allclose(coco['bbox_scale'], [[1.25 * 50, 1.25 * 60.5]])
    # MPII: pixels count from 1, 15 px of a 200 px tall person down, as all who use it do
    mpii = build(body_2d_root, 'mpii', pipeline=margin)[0]
    np.testing.assert_allclose(mpii['bbox_center'], [[50 - 1, 36 + 15 * 0.3125 - 1]])
    np.testing.assert_allclose(mpii['bbox_scale'], [[250 * 0.3125] * 2])


@pytest.mark.parametrize('flip', [0.0, 1.0])
@pytest.mark.parametrize('source', SOURCES)
def test_labels_follow_the_image_through_flip_and_rotation(body_2d_root, tmp_path, source, flip):
    shutil.copytree(body_2d_root / source, tmp_path / source)
    dataset = build(tmp_path, source)
    sample = dataset.get_data_info(0)
    keypoints, visible = sample['keypoints'][0], sample['keypoints_visible'][0]
    off_centre = np.linalg.norm(keypoints - sample['bbox'].reshape(2, 2).mean(axis=0), axis=1)
    sided = np.array(FLIP_INDICES) != np.arange(17)
    marked = int(np.argmin(np.where(sided & (visible > 0), off_centre, np.inf)))
    x, y = keypoints[marked]
    yy, xx = np.mgrid[:75, :97]
    blob = 255 * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / 8)
    cv2.imencode('.png', blob.astype(np.uint8))[1].tofile(
        sample['img_path']
    )  # a PNG behind the name: no compression, no halo

    np.random.seed(0)
    codec = dict(type='IntegralPose3D', input_size=SIZE, depth_range=1.5)
    pipeline = [
        dict(type='GetBBoxCenterScale', padding=1.25),
        dict(type='LoadReadableImage'),
        dict(type='RandomFlip', prob=flip),
        dict(type='RandomBBoxTransform', shift_prob=0.0, scale_factor=(1.4, 1.4), rotate_factor=30, rotate_prob=1.0),
        dict(type='TopdownAffine', input_size=SIZE),
        dict(type='GenerateTarget', encoder=codec),
        dict(type='PackPoseInputs'),
    ]
    item = build(tmp_path, source, pipeline=pipeline)[0]
    labels = item['data_samples'].gt_instance_labels
    joint = FLIP_INDICES[marked] if flip else marked
    crop = item['inputs'][0].numpy().astype(float)
    v, u = (np.sum(axis * crop) / np.sum(crop) for axis in np.mgrid[: SIZE[1], : SIZE[0]])
    np.testing.assert_allclose(labels.keypoint_labels[0, joint, :2].numpy() * SIZE - 0.5, [u, v], atol=0.3)
    np.testing.assert_array_equal(labels.keypoint_weights[0], visible[list(FLIP_INDICES)] if flip else visible)
    assert (labels.keypoint_labels[..., 2] == -1).all()


def each(**changes):
    return lambda content: dict(content, annotations=[person | changes for person in content['annotations']])


@pytest.mark.parametrize(
    ('source', 'change', 'message'),
    [
        ('coco', b'{"images": [', r"is not COCO's person_keypoints_\*\.json \(JSONDecodeError"),
        ('coco', lambda content: dict(images=content['images']), r"is not COCO's .*\(KeyError\('annotations'\)\)"),
        ('coco', each(bbox=[float('nan'), 1, 2, 2]), 'is not finite in 7 of 7 persons, first in person 0'),
        ('coco', each(bbox=[0.1, 0.2, 0.3, 0.4]), 'a box reaches 0.6, .*; looks like normalised coordinates'),
        ('coco', each(iscrowd=1), r'no usable person: expected .* Left out: crowd \(7\)\.'),
        ('coco', each(image_id=1), r'no usable person: .* Left out: image not listed \(7\)\.'),
        ('mpii', lambda content: dict(annotations=content), r'is not an mpii_\*\.json, a list of persons .*TypeError'),
        ('mpii', lambda content: [{}], r"joints_vis, image, scale and center \(KeyError\('center'\)\)"),
    ],
)
def test_annotations_that_cannot_be_used(body_2d_root, tmp_path, source, change, message):
    shutil.copytree(body_2d_root / source, tmp_path / source)
    path = tmp_path / source / SOURCES[source]['ann_file']
    if callable(change):
        path.write_text(json.dumps(change(json.loads(path.read_text()))))
    else:
        path.write_bytes(change)
    with pytest.raises(InputError, match=message) as error:
        build(tmp_path, source)
    assert str(path) in str(error.value)
    path.unlink()
    with pytest.raises(InputError, match=r'no annotation file .*json: expected .*integral_h36m_only\.py trains'):
        build(tmp_path, source)
