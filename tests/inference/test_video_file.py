import re
import struct
import wave

import cv2
import numpy as np
import pytest

from depth_refine.inference.video_source import open_source
from depth_refine.utils.errors import InputError


def read(source, fps=None):
    video = open_source(source, fps)
    return video, list(video)


@pytest.fixture
def path(write_video, pictures, tmp_path):
    """A video of 20 frames, 25 a second."""
    return write_video(tmp_path / 'a.mp4', pictures, range(0, 800, 40))


def mp4_samples(data):
    """Sizes of the encoded frames of an MP4 with one stream, and where the first one begins."""
    box = data.find(b'stsz')
    (count,) = struct.unpack('>I', data[box + 12 : box + 16])
    return struct.unpack(f'>{count}I', data[box + 16 : box + 16 + 4 * count]), data.find(b'mdat') + 4


@pytest.mark.parametrize('codec', ['mpeg4', 'libx264'])
def test_file(write_video, pictures, tmp_path, codec):
    path = write_video(tmp_path / 'a.mp4', pictures, range(0, 800, 40), codec)
    path.write_bytes(path.read_bytes().replace(b'Lavf', b'\xff\xd8\xd8\xff'))  # a title that is no text
    video, frames = read(path)
    assert (video.name, video.frame_count, video.is_live, video.notes) == ('a.mp4', 20, False, [])
    assert [frame.index for frame in frames] == list(range(20))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(20) / 25, atol=1e-6)
    np.testing.assert_allclose([frame.image.mean() for frame in frames], [image.mean() for image in pictures], atol=3)
    assert np.abs(frames[7].image.astype(int) - pictures[7]).mean() < 5


@pytest.mark.parametrize(('quarters', 'matrix'), [(1, (0, -1, 1, 0)), (2, (-1, 0, 0, -1)), (3, (0, 1, -1, 0))])
def test_rotation_is_applied(path, pictures, quarters, matrix):
    data = bytearray(path.read_bytes())
    box = data.find(b'tkhd') + 44  # behind the name: flags, times, track, length and layers
    a, b, c, d = (value << 16 for value in matrix)
    data[box : box + 36] = struct.pack('>9i', a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    _, frames = read(path)
    assert frames[0].image.shape == ((96, 74, 3) if quarters % 2 else (74, 96, 3))
    assert np.abs(frames[5].image.astype(int) - np.rot90(pictures[5], quarters)).mean() < 5


@pytest.mark.parametrize(('codec', 'whole'), [('mpeg4', 0), ('mpeg4', 0.5), ('libx264', 0)])
def test_damaged_frames_are_gaps(write_video, pictures, tmp_path, codec, whole):
    """Some decoders give up on a frame, some show what they can of it and report damage."""
    lost = [4, 5, 12]
    path = write_video(tmp_path / 'a.mp4', pictures, range(0, 800, 40), codec)
    data = bytearray(path.read_bytes())
    sizes, start = mp4_samples(data)
    for number in lost:
        begin, end = start + sum(sizes[:number]) + int(whole * sizes[number]), start + sum(sizes[: number + 1])
        data[begin:end] = bytes(end - begin)
    path.write_bytes(data)
    video, frames = read(path)
    assert [frame.index for frame in frames] == list(range(20))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(20) / 25, atol=1e-6)
    gaps = [frame.index for frame in frames if frame.image is None]
    assert len(gaps) == len(lost)
    if codec == 'mpeg4':  # H.264 stores frames in another order
        assert gaps == lost
    listed = ', '.join(map(str, gaps))
    assert video.notes == [f'Frames that cannot be read and are gaps: {len(lost)}, numbers {listed}.']


def test_no_frame_can_be_decoded(write_video, path, pictures, tmp_path):
    data = bytearray(path.read_bytes())
    sizes, start = mp4_samples(data)
    data[start : start + sum(sizes)] = bytes(sum(sizes))
    path.write_bytes(data)
    headless = write_video(tmp_path / 'a.mkv', pictures, range(0, 800, 40))
    content = headless.read_bytes()
    headless.write_bytes(content[: content.index(b'\x1f\x43\xb6\x75') + 12])  # the head of the first frames' cluster
    for damaged in (path, headless):
        with pytest.raises(InputError, match=rf'{damaged.name}: not one of its frames can be decoded\. The file is'):
            read(damaged)


@pytest.mark.parametrize(('name', 'stated'), [('a.mkv', r'3\.84 s'), ('a.mp4', '20 frames')])
def test_cut_short(write_video, pictures, tmp_path, name, stated):
    path = write_video(tmp_path / name, pictures, range(0, 4000, 200), movflags='faststart')
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    video, frames = read(path)
    found = rf'{len(frames)} frames up to {frames[-1].time:.2f} s'
    assert re.fullmatch(rf'The file may be cut short: it states {stated}, and {found} are in it\.', video.notes[0])
    whole = [frame for frame in frames if frame.image is not None]
    assert 5 < len(whole) < 20
    for frame, picture in zip(whole[:5], pictures, strict=False):
        assert frame.image.mean() == pytest.approx(picture.mean(), abs=3)


def test_files_that_are_no_video(tmp_path):
    (tmp_path / 'empty.mp4').touch()
    (tmp_path / 'text.mp4').write_text('not a video\n' * 100)
    with wave.open(str(tmp_path / 'sound.wav'), 'wb') as sound:
        sound.setparams((1, 2, 8000, 0, 'NONE', ''))
        sound.writeframes(bytes(16000))
    for name, message in [
        ('empty.mp4', r'empty\.mp4 is not a video, or is a damaged one \(it is empty\)\. Expected a file'),
        ('text.mp4', r'text\.mp4 is not a video, or is a damaged one \(FFmpeg says: Invalid data'),
        ('sound.wav', r'sound\.wav has sound or data, but no video'),
    ]:
        with pytest.raises(InputError, match=message):
            open_source(tmp_path / name)
