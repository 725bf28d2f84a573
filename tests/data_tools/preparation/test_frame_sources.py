import struct

import cv2
import numpy as np
import pytest
from official_h36m import write_video

from depth_refine.data_tools.preparation.frame_sources import ImageFolder, open_frames
from depth_refine.data_tools.preparation.raw_files import SequenceError

GREYS = (30, 60, 90, 120)


@pytest.fixture(params=['video', 'folder'])
def source(request, tmp_path):
    frames = [np.full((48, 64, 3), grey, np.uint8) for grey in GREYS]
    if request.param == 'video':
        write_video(tmp_path / 'a.mp4', frames)
        return tmp_path / 'a.mp4'
    for number, frame in enumerate(frames, start=1):
        cv2.imwrite(str(tmp_path / f'img_{number:06d}.jpg'), frame)
    return tmp_path


def test_frames_in_order(source):
    frames = open_frames(source)
    assert frames.count == 4
    assert frames.size == sum(path.stat().st_size for path in ([source] if source.is_file() else source.iterdir()))
    assert frames.read().mean() == pytest.approx(30, abs=4) and frames.skip()
    assert frames.read().mean() == pytest.approx(90, abs=4)
    if source.is_dir():
        assert frames.original == (source / 'img_000003.jpg').read_bytes()
    assert frames.read() is not None and frames.read() is None and not frames.skip()


@pytest.mark.parametrize('damage', [lambda path: path.unlink(), lambda path: path.write_bytes(b'')])
def test_an_image_that_is_missing_or_damaged_ends_the_folder(tmp_path, damage):
    for number in (1, 2, 3):
        cv2.imwrite(str(tmp_path / f'img_{number:06d}.jpg'), np.zeros((8, 8, 3), np.uint8))
    damage(tmp_path / 'img_000002.jpg')
    frames = ImageFolder(tmp_path)
    assert frames.read() is not None and frames.read() is None


def test_a_damaged_frame_shifts_none(tmp_path):
    """OpenCV would give the next frame instead, which has another pose."""
    path = tmp_path / 'a.mp4'
    write_video(path, [np.full((48, 64, 3), 10 * number, np.uint8) for number in range(12)])
    data = bytearray(path.read_bytes())
    box, begin = data.find(b'stsz'), data.find(b'mdat') + 4
    sizes = struct.unpack('>12I', data[box + 16 : box + 64])
    data[begin + sum(sizes[:5]) : begin + sum(sizes[:6])] = bytes(sizes[5])
    path.write_bytes(data)
    frames = open_frames(path)
    assert all(frames.skip() for _ in range(5))
    with pytest.raises(SequenceError, match=r'a\.mp4: frame 6 cannot be decoded: download or unpack it again'):
        frames.read()


def test_a_file_that_is_no_video(tmp_path):
    (tmp_path / 'a.mp4').write_bytes(b'html')
    frames = open_frames(tmp_path / 'a.mp4')
    assert (frames.count, frames.size, frames.read()) == (0, 4, None) and not frames.skip()
