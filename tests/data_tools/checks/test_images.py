import os
import shutil

import cv2
import numpy as np
import pytest

from depth_refine.data_tools.checks.findings import Findings
from depth_refine.data_tools.checks.images import check_files, missing_files, read_image
from depth_refine.datasets import H36MAnnotation


@pytest.fixture
def annotation(data_root):
    folder = data_root / 'annotation_body3d'
    return H36MAnnotation(folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl')


@pytest.fixture
def images(data_root, tmp_path):
    """A copy of the image folder that may be damaged."""
    shutil.copytree(data_root / 'images', tmp_path / 'images', copy_function=os.link)
    return tmp_path / 'images'


def check(annotation, folder):
    findings = Findings()
    check_files(annotation, folder, 'a.npz', findings)
    (finding,) = findings
    return finding


def test_all_there(annotation, images):
    assert check(annotation, images) == ('ok', 'a.npz', 'every image is there')


def test_missing(annotation, images):
    first, second = annotation.sequences[0], annotation.sequences[3]
    gone = images / annotation.img_names[first.rows[4]].decode()
    gone.unlink()
    shutil.rmtree(images / 'S1' / second.name)
    finding = check(annotation, images)
    assert finding.kind == 'problem'
    assert finding.message.startswith(
        f'13 of 96 images are missing in {images}, in 2 of 8 videos, first {gone.relative_to(images)}.'
    )


def test_the_video_that_is_known_to_be_missing(annotation, images):
    shutil.rmtree(images / 'S1' / annotation.sequences[0].name)
    annotation.sequences[0] = annotation.sequences[0]._replace(name='S11_Directions.54138969')
    finding = check(annotation, images)
    assert finding.kind == 'note' and finding.message.startswith('no images of S11_Directions.54138969')


def test_no_folder(annotation, tmp_path):
    finding = check(annotation, tmp_path / 'absent')
    assert finding.kind == 'note' and finding.message.startswith(f'no image folder {tmp_path}/absent')


def test_missing_files(tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a/1.jpg').touch()
    (tmp_path / '2.jpg').touch()
    assert missing_files(tmp_path, [b'a/1.jpg', b'a/2.jpg', b'2.jpg', b'b/1.jpg', b'1.jpg']) == [1, 3, 4]


@pytest.mark.parametrize(
    ('shape', 'size', 'crop', 'kind', 'message'),
    [
        ((20, 30), (30, 20), False, None, None),
        ((22, 30), (30, 20), False, 'note', 'expected 30 x 20 px, got 30 x 22; a row or two more or less'),
        ((23, 30), (30, 20), False, 'problem', 'expected 30 x 20 px, got 30 x 23, the size of its camera'),
        ((20, 31), (30, 20), False, 'problem', 'expected 30 x 20 px, got 31 x 20'),
        ((10, 15), (30, 20), False, 'problem', 'do not resize images'),
        ((20, 30), (60, 40), True, None, None),
        ((21, 31), (127, 83), True, None, None),  # rounded
        ((30, 30), (60, 40), True, 'problem', 'does not have the shape of its crop: expected 60 x 40 px, got 30 x 30'),
    ],
)
def test_sizes(tmp_path, shape, size, crop, kind, message):
    pixels = np.full((*shape, 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), pixels)
    findings = Findings()
    np.testing.assert_array_equal(read_image(tmp_path / 'a.png', size, crop, 'a.png', findings), pixels)
    assert [finding.kind for finding in findings] == ([] if kind is None else [kind])
    assert kind is None or message in findings[0].message


def test_unreadable(tmp_path):
    findings = Findings()
    assert read_image(tmp_path / 'absent.jpg', (3, 2), False, 'absent.jpg', findings) is None and not findings
    (tmp_path / 'text.jpg').write_bytes(b'no image')
    assert read_image(tmp_path / 'text.jpg', (3, 2), False, 'text.jpg', findings) is None
    assert findings[0][:2] == ('problem', 'text.jpg') and 'cannot be read' in findings[0].message
