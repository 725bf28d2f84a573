import json
import os
import shutil

import numpy as np
import pytest

from depth_refine.data_tools.checks import files
from depth_refine.data_tools.checks.files import check_body_2d, check_image, check_images, check_store
from depth_refine.datasets import write_sequence_store
from depth_refine.datasets.body_2d_datasets import CocoBodyDataset
from depth_refine.utils.errors import InputError

COCO = 'annotations/person_keypoints_train2017.json'


@pytest.fixture
def images(data_root, tmp_path):
    return shutil.copytree(data_root / 'images', tmp_path / 'images', copy_function=os.link)


def test_missing_images(annotation, images):
    first, second = annotation.sequences[0], annotation.sequences[3]
    gone = images / annotation.img_names[first.rows[4]].decode()
    gone.unlink()
    shutil.rmtree(images / 'S1' / second.name)
    ((kind, message),) = check_images(annotation, images)
    assert kind == 'problem' and message.startswith(
        f'13 of 96 images are missing in {images}, in 2 of 8 videos, first {gone.relative_to(images)}.'
    )
    ((kind, message),) = check_images(annotation, images / 'absent')
    assert kind == 'note' and message.startswith(f'no image folder {images}/absent')


def test_the_video_that_is_known_to_be_missing(annotation, images):
    shutil.rmtree(images / 'S1' / annotation.sequences[0].name)
    annotation.sequences[0] = annotation.sequences[0]._replace(name='S11_Directions.54138969')
    ((kind, message),) = check_images(annotation, images)
    assert kind == 'note' and message.startswith('no images of S11_Directions.54138969')


@pytest.mark.parametrize(
    ('shape', 'size', 'is_crop', 'kind', 'message'),
    [
        ((20, 30), (30, 20), False, None, None),
        ((22, 30), (30, 20), False, 'note', "expected 30 x 20 px, got 30 x 22; some of Human3.6M's videos"),
        ((23, 30), (30, 20), False, 'problem', 'expected 30 x 20 px, got 30 x 23, the size of its camera'),
        ((20, 31), (30, 20), False, 'problem', 'got 31 x 20, the size of its camera. part is in px of the original'),
        ((21, 31), (127, 83), True, None, None),  # rounded
        ((30, 30), (60, 40), True, 'problem', 'the aspect ratio of its crop: expected 60 x 40 px, got 30 x 30'),
        (None, (30, 20), False, 'problem', 'the image cannot be read'),
    ],
)
def test_sizes(shape, size, is_crop, kind, message):
    image = None if shape is None else np.zeros((*shape, 3), np.uint8)
    findings = list(check_image(image, size, is_crop))
    assert [got for got, _ in findings] == ([] if kind is None else [kind])
    assert kind is None or message in findings[0][1]


def test_body_2d(body_2d_root, tmp_path):
    root = shutil.copytree(body_2d_root / 'coco', tmp_path / 'coco')
    left_out = 'left out: crowd (1), box empty or outside the image (1), no usable joint in the box (1)'
    (finding,) = check_body_2d(CocoBodyDataset, root, COCO, 'train2017')
    assert finding == ('ok', f'4 persons in 2 images; {left_out}')
    gone = root / 'train2017/000000000025.jpg'
    gone.unlink()
    _, (kind, message) = check_body_2d(CocoBodyDataset, root, COCO, 'train2017')
    assert kind == 'problem' and message.startswith(f'1 of 2 images are missing, first {gone}')
    (root / COCO).write_text('{"images": []}')
    with pytest.raises(InputError, match=r'person_keypoints_train2017\.json'):
        list(check_body_2d(CocoBodyDataset, root, COCO, 'train2017'))


def write(path, annotation, offset, has_depth=True):
    depth = annotation.keypoints_3d[..., 2:] - annotation.keypoints_3d[:, :1, 2:] + offset[2]
    depth = depth if has_depth else np.full_like(depth, np.nan)
    keypoints = np.concatenate([annotation.keypoints + offset[:2], depth], axis=-1)
    with write_sequence_store(path, annotation, 'pelvis_2m', {}, has_depth=has_depth) as writer:
        writer.write(np.arange(len(annotation)), keypoints, np.ones((len(annotation), 17)))
    return path


def test_errors_of_a_store_in_chunks(tmp_path, annotation, monkeypatch):
    monkeypatch.setattr(files, '_CHUNK', 7)
    message = "bbox_policy 'pelvis_2m', mean error against the annotation 5.0 px, 20.0 mm in depth"
    assert list(check_store(write(tmp_path / 'a', annotation, [3, -4, -0.02]), annotation)) == [('ok', message)]
    ((kind, message),) = check_store(write(tmp_path / 'b', annotation, [30, 40.5, 0], has_depth=False), annotation)
    assert kind == 'note' and message.endswith('50.4 px, without depths')


def test_a_store_that_is_not_finite(tmp_path, annotation):
    path = write(tmp_path / 'a', annotation, [0, 0, 0])
    for name, place, value in (('keypoints', (slice(7, 9), 3, 2), np.nan), ('scores', (50, 0), np.inf)):
        array = np.load(path / f'{name}.npy')
        array[place] = value
        np.save(path / f'{name}.npy', array)
    with pytest.raises(InputError, match=r'keypoints\.npy is not as it was written'):
        list(check_store(path, annotation))
    meta = json.loads((path / 'store.json').read_text())
    del meta['sha256']  # older stores have none
    (path / 'store.json').write_text(json.dumps(meta))
    ((kind, message),) = check_store(path, annotation)
    assert kind == 'problem' and message.startswith('3 of 96 frames are not finite')
