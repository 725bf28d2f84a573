import re

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from depth_refine.inference.sources.image_folder import frames_of_images, image_numbers, list_images
from depth_refine.inference.sources.video_source import open_source
from depth_refine.utils.errors import InputError


@pytest.fixture
def make(tmp_path):
    """A function that makes files with some names."""

    def make(*names):
        for name in names:
            (tmp_path / name).touch()
        return tmp_path

    return make


def test_frames_in_natural_order_without_hidden_files(tmp_path):
    for number in range(12):
        cv2.imwrite(str(tmp_path / f'frame_{number}.png'), np.full((8, 10, 3), 20 * number, np.uint8))
        (tmp_path / f'._frame_{number}.png').write_bytes(b'of macOS')
    (tmp_path / 'frame_12.png').mkdir()
    assert [frame.image[0, 0, 0] for frame in open_source(tmp_path)] == [20 * number for number in range(12)]


@pytest.mark.parametrize(
    ('names', 'note'),
    [
        ([f'{number}.JPG' for number in range(20)], None),
        ([f'a{number}.jpg' for number in range(0, 40, 2)], None),
        ([f'a{number:03d}.jpg' for number in range(20) if number not in (7, 8)], 'missing among the images of .*a006'),
        ([f'IMG_1200{number:02d}.jpg' for number in (1, 4, 9, 17, 30)], None),  # times of day
        (['a.png', 'b.png', 'c1.png'], None),
        ([f'{who}_{number}.png' for who in 'ab' for number in range(5)], r'names of 2 kinds, a_\*, b_\*: taken as'),
        ([f'{number}_{kind}.png' for number in range(5) for kind in ('rgb', 'mask')], r'2 kinds, \*_mask, \*_rgb'),
    ],
)
def test_names_that_may_not_be_those_of_frames(make, names, note):
    files, notes = list_images(make(*names))
    assert [file.name for file in files] == names or 'mask' in names[1]
    assert len(notes) == (note is not None) and (note is None or re.search(note, notes[0]))


SECONDS = [f'{number / 60:.4f}'.rstrip('0').ljust(3, '0') for number in range(13)]  # as Python prints them: 0.05, 0.2


@pytest.mark.parametrize(
    ('names', 'note'),
    [
        (
            [f'frame_{second}.png' for second in SECONDS],
            r'0\.0167\.png.*If they are seconds, fps is 60\.$',
        ),
        (['t_0.10.png', 't_0.5.png'], r'as decimal fractions, t_0\.10\.png, t_0\.5\.png\. If'),
        (['t_0.5.png'], None),
        ([f't_{n / 10}.png' for n in range(30) if n != 7], r'missing among the images of .*, first after t_0\.6'),
        (
            [f'{n}.png' for n in (*range(8, 20), 'a', 'b')],
            r'The order .* hexadecimal, .* decimal ones, 8\.png, 9\.png, 1',
        ),
        (
            [f'IMG_{n:04d}.JPG' for n in (1, 2, 9998, 9999)],
            r'order .* may be wrong: .*_0002\.JPG to IMG_9998.*9999\. If',
        ),
        ([f'DSC{n:05d}.JPG' for n in (*range(1, 30), *range(9985, 10000))], r'order .* from DSC00029\.JPG to DSC09985'),
        ([f'frame_{n}.png' for n in (*range(9), 40, 41)], r'^Numbers are missing .* frame_8'),
        (
            [f'frame_{n}.png' for n in range(9)] + ['mean.png', 'std.png'],
            r'names of 3 kinds, frame_\*, mean, std: taken',
        ),
        ([f'IMG_20240101_{n}.jpg' for n in (235958, 235959)] + ['IMG_20240102_000000.jpg'], None),
    ],
)
def test_the_order_of_the_images(make, names, note):
    """The order is right, or a note says that it may be wrong."""
    files, notes = list_images(make(*names))
    assert [file.name for file in files] == names
    assert bool(notes) == (note is not None) and (note is None or re.search(note, notes[-1]))


@pytest.mark.parametrize('odd', ['background_0.png', 'mean.png', 'frame_mean.png', 'frame_0_mask.png', '0_frame.png'])
@pytest.mark.parametrize('point', ['', '.5'])
def test_a_single_image_of_another_form_is_left_out(make, odd, point):
    names = [f'frame_{number}{point}.png' for number in range(10)]
    files, notes = list_images(make(odd, *names))
    assert [file.name for file in files] == names
    assert notes[0] == f'The image {odd} is left out: the names of all others are frame_*. Rename it if it is a frame.'


def test_videos_beside_images_are_named(make):
    _, (note,) = list_images(make('a.jpg', 'b.jpg', 'clip.MP4'))
    assert note.endswith('read as images, and not the videos in it, clip.MP4. For a video give the file itself.')


def test_videos_without_images_are_named(make):
    with pytest.raises(InputError, match=r'has no images: .*; for a video give the file itself, as .*clip\.mp4'):
        list_images(make('clip.mp4'))


def test_two_images_for_a_frame_and_none(make, tmp_path):
    with pytest.raises(InputError, match=r'has no images: expected files that end in \.bmp'):
        list_images(make('._a.jpg', 'notes.txt'))
    with pytest.raises(InputError, match=r'has 2\.jpg and 2\.png: expected one image for each frame'):
        list_images(make('1.jpg', '2.jpg', '2.png', '3.jpg'))


def test_a_photograph_is_upright_alone_and_in_a_folder(tmp_path):
    """It is rotated by its EXIF orientation; FFmpeg would not rotate it."""
    image = np.arange(8 * 12 * 3, dtype=np.uint8).reshape(8, 12, 3)
    jpeg = cv2.imencode('.jpg', image)[1].tobytes()
    exif = b'Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0'
    (tmp_path / 'a.jpg').write_bytes(jpeg[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + jpeg[2:])
    for source in (tmp_path, tmp_path / 'a.jpg'):
        (frame,) = open_source(source)
        np.testing.assert_array_equal(frame.image, np.rot90(cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1), -1))


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_a_tiff_is_upright(tmp_path, capfd, orientation, dtype):
    stored = np.arange(8 * 12, dtype=dtype).reshape(8, 12) * (256 if dtype == np.uint16 else 1)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(stored).save(tmp_path / 'a.tiff', exif=exif)
    upright = [stored, stored[:, ::-1], np.rot90(stored, 2), stored[::-1]]
    upright += [stored.T, np.rot90(stored, -1), np.rot90(stored, 2).T, np.rot90(stored)]
    (frame,) = open_source(tmp_path)
    expected = upright[orientation - 1] // (256 if dtype == np.uint16 else 1)
    np.testing.assert_array_equal(frame.image, np.repeat(expected[..., None], 3, axis=2))
    assert capfd.readouterr() == ('', '')


def test_images_that_cannot_be_read(make, capfd):
    folder = make('0.png')
    cv2.imwrite(str(folder / '1.png'), np.zeros((5, 7, 3), np.uint8))
    (folder / '2.png').write_bytes(b'damaged')
    assert [frame.image is None for frame in open_source(folder)] == [True, False, True]
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize(
    ('frames', 'first', 'numbers', 'expected'),
    [
        ([30, 31, 89], 0, list(range(30, 90)), [0, 1, 59]),
        ([30, 33], 0, [30, 31, 33, 34], [0, 2]),
        ([30, 33], 30, [30, 31, 33, 34], [0, 2]),
        ([1, 2, 4], 0, [1, 2, 3, 4], [0, 1, 3]),
        ([1, 2, 3], 0, [1, 2, 3, 4], None),
        ([0, 1, 2], 0, list(range(30, 90)), None),
        ([29, 30], 0, list(range(30, 90)), None),
        ([0, 1], 0, None, None),
    ],
)
def test_frame_numbers_from_image_names(frames, first, numbers, expected):
    found = frames_of_images(np.array(frames), first, numbers)
    assert expected is None if found is None else found.tolist() == expected


def test_numbers_of_images(tmp_path):
    assert image_numbers([tmp_path / f'a{number:03}.png' for number in (7, 8, 30)]) == [7, 8, 30]
    assert image_numbers([tmp_path / 'a1.png', tmp_path / 'b2.png']) is None
