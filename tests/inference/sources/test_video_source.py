import cv2
import numpy as np
import pytest

from depth_refine.inference.sources.video_source import open_source
from depth_refine.utils.errors import InputError


def read(source, fps=None):
    video = open_source(source, fps)
    return video, list(video)


def test_folder_of_images_of_any_kind(tmp_path):
    grey = np.arange(75 * 97, dtype=np.uint8).reshape(75, 97)
    colour = np.random.default_rng(0).integers(0, 256, (75, 97, 4), np.uint8)
    for name, image in (('01.png', grey), ('02.png', colour), ('03.tiff', grey.astype(np.uint16) * 256)):
        cv2.imwrite(str(tmp_path / name), image)
    (tmp_path / '04.png').write_bytes(b'damaged')
    cv2.imwrite(str(tmp_path / '10.PNG'), colour[..., :3])
    (tmp_path / 'notes.txt').write_text('not an image')
    video, frames = read(tmp_path, fps=10)
    assert video.frame_count == 5
    grey = np.repeat(grey[..., None], 3, axis=2)
    expected = [grey, colour[..., :3], grey, None, colour[..., :3]]
    for frame, image in zip(frames, expected, strict=True):
        np.testing.assert_array_equal(frame.image, image)
    np.testing.assert_allclose([frame.time for frame in frames], [0, 0.1, 0.2, 0.3, 0.4])
    assert video.notes == [
        'The frames have no time stamps and are taken as 10 a second.',
        'Frames that cannot be read and are gaps: 1, numbers 3.',
    ]


@pytest.mark.parametrize('kind', [list, iter])
def test_arrays_of_any_kind(kind):
    colour = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    grey = colour[..., 0]
    _, frames = read(kind([grey, grey[..., None], colour, None, grey.astype(np.uint16) * 257]))
    grey_frame = np.stack([grey] * 3, axis=-1)
    for frame, image in zip(frames, [grey_frame, grey_frame, colour[..., :3], None, grey_frame], strict=True):
        np.testing.assert_array_equal(frame.image, image)
    np.testing.assert_array_equal(read(np.stack([colour, colour[::-1]]))[1][1].image, colour[::-1, :, :3])


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (np.zeros((5, 7, 3)), r'frame 1 of frames: expected an image of uint8 or uint16, got float64 \(5, 7, 3\)'),
        ('a.png', r'frame 1 of frames: expected an image of uint8 or uint16, got str'),
        (np.zeros((5, 7, 2), np.uint8), r'expected an image \(h, w\) or \(h, w, 1, 3 or 4\), got shape \(5, 7, 2\)'),
        (np.zeros((5, 8, 3), np.uint8), r'frames of one size, got 7 x 5 px before and 8 x 5 px in frame 1'),
    ],
)
def test_arrays_that_are_no_frames(image, message):
    with pytest.raises(InputError, match=message):
        read([np.zeros((5, 7, 3), np.uint8), image])
    with pytest.raises(InputError, match=r'fps: expected a number from 0\.01 to 100000, got 0'):
        open_source([], 0)


def test_images_of_12_bits(tmp_path):
    grey = np.arange(40, 75, dtype=np.uint16).reshape(5, 7)
    cv2.imwrite(str(tmp_path / '1.png'), grey * 50)
    for source in ([grey * 50], tmp_path):
        assert 'Images of 16 bits whose values do not exceed 3700: they are nearly black.' in read(source)[0].notes[1]


@pytest.mark.parametrize('kind', ['number', 'device', 'link'])
def test_a_camera(camera, tmp_path, kind):
    released = camera([np.full((5, 7, 3), 9, np.uint8)] * 3)
    (tmp_path / 'by-id').symlink_to('/dev/video0')
    source = dict(number=0, device='/dev/video0', link=tmp_path / 'by-id')[kind]
    with pytest.raises(InputError, match=r'camera 0 is live and tells the times of its frames itself: leave fps out'):
        open_source(source, 30)
    video = open_source(source)
    assert video.is_live and open_source(video) is video
    first = next(iter(video))
    assert first.time == pytest.approx(0, abs=1) and first.taken > 0 and released == [0]
