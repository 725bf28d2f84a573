import json

import pytest

from depth_refine.data_tools.checks.body_2d import CocoBodyDataset, MpiiBodyDataset, check_body_2d
from depth_refine.data_tools.checks.findings import Findings


@pytest.fixture
def coco(tmp_path):
    """Two images, three persons, one of them a crowd."""
    joints = [coordinate for joint in range(17) for coordinate in (12 + joint, 20 + joint, 2)]
    person = dict(category_id=1, bbox=[10, 15, 40, 60], area=900, keypoints=joints, num_keypoints=17, iscrowd=0)
    content = dict(
        images=[dict(id=i, file_name=f'{i:012d}.jpg', width=100, height=90) for i in (1, 2)],
        annotations=[
            dict(person, id=1, image_id=1),
            dict(person, id=2, image_id=2),
            dict(person, id=3, image_id=2, iscrowd=1),
        ],
        categories=[dict(id=1, name='person', keypoints=[], skeleton=[])],
    )
    for folder in ('annotations', 'train2017'):
        (tmp_path / folder).mkdir()
    (tmp_path / 'annotations/person_keypoints_train2017.json').write_text(json.dumps(content))
    for i in (1, 2):
        (tmp_path / f'train2017/{i:012d}.jpg').touch()
    return tmp_path


def check(dataset_class, root):
    findings = Findings()
    check_body_2d(dataset_class, root, findings)
    return findings


def test_good(coco):
    (finding,) = check(CocoBodyDataset, coco)
    assert finding.kind == 'ok' and finding.where == str(coco / 'annotations/person_keypoints_train2017.json')
    assert finding.message == '2 persons in 2 images; left out: crowd (1)'


def test_missing_images(coco):
    (coco / 'train2017/000000000002.jpg').unlink()
    (problem,) = [finding for finding in check(CocoBodyDataset, coco) if finding.kind == 'problem']
    assert problem.message.startswith(f'1 of 2 images are missing, first {coco}/train2017/000000000002.jpg')


def test_unusable_files(coco):
    (coco / 'annotations/person_keypoints_val2017.json').write_text('{"images": []}')
    findings = check(CocoBodyDataset, coco)
    assert [finding.kind for finding in findings] == ['ok', 'problem']
    assert 'person_keypoints_val2017.json' in findings[1].message


def test_nothing_there(tmp_path):
    (problem,) = check(MpiiBodyDataset, tmp_path)
    expected = 'no annotations: expected annotations/mpii_train.json or annotations/mpii_val.json'
    assert problem == ('problem', str(tmp_path), expected)
