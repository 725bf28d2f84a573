import re
import socket
import struct
import threading
import wave
from fractions import Fraction
from itertools import repeat

import av
import cv2
import numpy as np
import pytest

from depth_refine.inference.sources.video_source import open_source
from depth_refine.utils.errors import InputError


def read(source, fps=None):
    video = open_source(source, fps)
    return video, list(video)


@pytest.fixture
def path(write_video, smooth_images, tmp_path):
    """A video of 20 frames, 25 a second."""
    return write_video(tmp_path / 'a.mp4', smooth_images, range(0, 800, 40))


def mp4_samples(data):
    """Sizes of the encoded frames of an MP4 with one stream, and where the first one begins."""
    box = data.find(b'stsz')
    (count,) = struct.unpack('>I', data[box + 12 : box + 16])
    return struct.unpack(f'>{count}I', data[box + 16 : box + 16 + 4 * count]), data.find(b'mdat') + 4


@pytest.mark.parametrize('codec', ['mpeg4', 'libx264'])
def test_file(write_video, smooth_images, tmp_path, codec):
    path = write_video(tmp_path / 'a.mp4', smooth_images, range(0, 800, 40), codec)
    path.write_bytes(path.read_bytes().replace(b'Lavf', b'\xff\xd8\xd8\xff'))  # a title that is not UTF-8
    video, frames = read(path)
    assert (video.name, video.frame_count, video.is_live, video.notes) == ('a.mp4', 20, False, [])
    assert [frame.index for frame in frames] == list(range(20))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(20) / 25, atol=1e-6)
    np.testing.assert_allclose(
        [frame.image.mean() for frame in frames], [image.mean() for image in smooth_images], atol=3
    )
    assert np.abs(frames[7].image.astype(int) - smooth_images[7]).mean() < 5


@pytest.mark.posix
def test_a_name_that_looks_like_a_protocol(path):
    assert len(read(path.rename(path.with_name('10:30.mp4')))[1]) == 20


@pytest.mark.parametrize(('quarters', 'matrix'), [(1, (0, -1, 1, 0)), (2, (-1, 0, 0, -1)), (3, (0, 1, -1, 0))])
def test_rotation_is_applied(path, smooth_images, quarters, matrix):
    data = bytearray(path.read_bytes())
    box = data.find(b'tkhd') + 44  # behind the name: flags, times, track, length and layers
    a, b, c, d = (value << 16 for value in matrix)
    data[box : box + 36] = struct.pack('>9i', a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    _, frames = read(path)
    assert frames[0].image.shape == ((96, 74, 3) if quarters % 2 else (74, 96, 3))
    assert np.abs(frames[5].image.astype(int) - np.rot90(smooth_images[5], quarters)).mean() < 5


@pytest.mark.parametrize(('codec', 'whole'), [('mpeg4', 0), ('mpeg4', 0.5), ('libx264', 0)])
def test_damaged_frames_are_gaps(write_video, smooth_images, tmp_path, codec, whole):
    """Some decoders give up on a damaged frame, others decode a part of it and report the damage."""
    lost = [4, 5, 12]
    path = write_video(tmp_path / 'a.mp4', smooth_images, range(0, 800, 40), codec)
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


def test_no_frame_can_be_decoded(write_video, path, smooth_images, tmp_path):
    data = bytearray(path.read_bytes())
    sizes, start = mp4_samples(data)
    data[start : start + sum(sizes)] = bytes(sum(sizes))
    path.write_bytes(data)
    headless = write_video(tmp_path / 'a.mkv', smooth_images, range(0, 800, 40))
    content = headless.read_bytes()
    headless.write_bytes(content[: content.index(b'\x1f\x43\xb6\x75') + 12])  # the head of the first frames' cluster
    for damaged in (path, headless):
        with pytest.raises(InputError, match=rf'{damaged.name}: not one of its frames can be decoded\. The file is'):
            read(damaged)


@pytest.mark.parametrize('start', [0, 5000])
@pytest.mark.parametrize(('name', 'stated'), [('a.mkv', r'3\.84 s'), ('a.mp4', '20 frames')])
def test_cut_short(write_video, smooth_images, tmp_path, name, stated, start):
    path = write_video(tmp_path / name, smooth_images, range(start, start + 4000, 200), movflags='faststart')
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    video, frames = read(path)
    found = rf'{len(frames)} frames up to {frames[-1].time:.2f} s'
    assert re.fullmatch(rf'The file may be cut short: it states {stated}, and {found} are in it\.', video.notes[0])
    whole = [frame for frame in frames if frame.image is not None]
    assert 5 < len(whole) < 20
    for frame, image in zip(whole[:5], smooth_images, strict=False):
        assert frame.image.mean() == pytest.approx(image.mean(), abs=3)


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


def spots(size, at):
    """A dark image for each of some places, px, with a bright spot there."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    grey = [20 + 200 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / 18) for u, v in at]
    return [np.repeat(image[..., None], 3, axis=2).astype(np.uint8) for image in grey]


def spot_of(image):
    """The position of the spot, px."""
    weights = image[..., 1].clip(40, None).astype(float) - 40
    return np.array([(weights.sum(axis=axis) * np.arange(weights.shape[1 - axis])).sum() for axis in (0, 1)]) / (
        weights.sum()
    )


@pytest.mark.parametrize('turned', [(0, False), (90, False), (180, False), (270, False), (0, True), (90, True)])
@pytest.mark.parametrize('aspect', [(4, 3), (8, 9), (2, 1)])
def test_pixels_are_square(write_video, tmp_path, aspect, turned):
    """Places are the same as in a video with square pixels, however it is rotated."""
    square, ratio = spots((144, 108), [(40, 30), (90, 61)]), aspect[0] / aspect[1]
    stored = [cv2.resize(image, (round(144 / ratio), 108), interpolation=cv2.INTER_AREA) for image in square]
    expected = [frame.image for frame in read(write_video(tmp_path / 'a.mp4', square, (0, 40), turned=turned))[1]]
    video, frames = read(write_video(tmp_path / 'b.mp4', stored, (0, 40), aspect=aspect, turned=turned))
    for frame, image in zip(frames, expected, strict=True):
        assert frame.image.shape == image.shape == ((144, 108, 3) if turned[0] % 180 else (108, 144, 3))
        np.testing.assert_allclose(spot_of(frame.image), spot_of(image), atol=0.2)
    width, height = frames[0].image.shape[1::-1]
    assert (
        f'frames of {stored[0].shape[1]} x 108 px are read with square pixels, as {width} x {height} px'
        in (video.notes[0])
    )
    assert ('It is shown mirrored, as the file says' in ' '.join(video.notes)) == turned[1]


@pytest.mark.parametrize('aspect', [(1, 1), (405, 404), (1, 100)])
def test_aspects_that_are_rounding_or_damage(write_video, smooth_images, tmp_path, aspect):
    video, frames = read(write_video(tmp_path / 'a.mp4', smooth_images[:2], (0, 40), aspect=aspect))
    assert frames[0].image.shape == (74, 96, 3) and video.notes == []


def test_interlaced(write_video, smooth_images, tmp_path):
    images = [image[:72] for image in smooth_images]
    coding = {'x264-params': 'interlaced=1'}
    video, frames = read(write_video(tmp_path / 'a.mp4', images, range(0, 800, 40), 'libx264', coding=coding))
    assert len(frames) == 20 and len(video.notes) == 1 and video.notes[0].startswith('It is interlaced: ')


@pytest.mark.parametrize(('degrees', 'mirrored'), [(0, True), (90, True), (270, False)])
def test_mirroring_and_rotation(write_video, smooth_images, tmp_path, degrees, mirrored):
    _, frames = read(write_video(tmp_path / 'a.mp4', smooth_images, range(0, 800, 40), turned=(degrees, mirrored)))
    expected = np.rot90(smooth_images[5], degrees // 90)
    expected = expected[:, ::-1] if mirrored else expected
    assert np.abs(frames[5].image.astype(int) - expected).mean() < 5


@pytest.mark.parametrize('start', [0, 700])
def test_a_rate_that_is_given_is_obeyed(write_video, smooth_images, tmp_path, start):
    """Slow motion: 240 frames a second, played at 30; one frame was lost when it was taken."""
    path = write_video(tmp_path / 'slow.mp4', smooth_images[:19], [start + 100 * n for n in range(20) if n != 7])
    slow = 18 / 19 / 240  # so that the mean rate is 240
    video, frames = read(path, fps=240)
    np.testing.assert_allclose([frame.time for frame in frames], [n * slow for n in range(20) if n != 7], atol=1e-6)
    assert video.notes[0] == (
        'The file plays at 9.474 frames a second, and fps says that it was taken at 240: its times are read 25.33 '
        'times as fast.'
    )
    assert (19 - 1) / frames[-1].time == pytest.approx(240)
    assert read(write_video(tmp_path / 'a.mp4', smooth_images, range(0, 800, 40)), fps=25)[0].notes == []
    (same,) = read(write_video(tmp_path / 'a.mkv', smooth_images[:1], [0]), fps=25)[1]
    assert same.time == 0


@pytest.mark.parametrize(('taken', 'noted'), [('240.000000', True), ('5', True), ('30', False), ('?', False)])
def test_slow_motion_that_the_file_states(write_video, smooth_images, tmp_path, taken, noted):
    tags = {'com.android.capture.fps': taken}
    path = write_video(tmp_path / 'a.mp4', smooth_images, range(0, 800, 40), tags=tags, movflags='use_metadata_tags')
    video, frames = read(path)
    said = [f'The file says that it was taken at {float(taken):g} frames a second, and plays at 25'] if noted else []
    assert [note.partition(', as')[0] for note in video.notes] == said
    assert frames[-1].time == pytest.approx(0.76)


def test_times_that_are_missing(write_video, smooth_images, tmp_path):
    path = write_video(tmp_path / 'a.h264', smooth_images, range(0, 800, 40), 'libx264')
    for fps, rate in ((None, 25), (200, 200)):
        video, frames = read(path, fps)
        np.testing.assert_allclose([frame.time for frame in frames], np.arange(20) / rate, atol=1e-9)
        assert video.notes[0].startswith(f'The file has no time stamps: its frames are taken as {rate} a second')


def remux(source, path, stamps, **options):
    """Copy a video with other time stamps of its packets, in whole milliseconds."""
    with av.open(str(source)) as given, av.open(str(path), 'w', options=options) as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        packets = [packet for packet in given.demux(video=0) if packet.size]
        for number, (packet, milliseconds) in enumerate(zip(packets, stamps, strict=True)):
            packet.time_base, packet.duration, packet.stream = Fraction(1, 1000), 40, stream
            packet.pts, packet.dts = milliseconds, min(milliseconds, min(stamps[number:]))
            packet.dts -= len(stamps) - number  # muxers need ascending ones
            container.mux(packet)
    return path


def test_times_that_do_not_ascend(path, tmp_path):
    stamps = [0, 40, 40, *range(80, 760, 40)]
    video, frames = read(remux(path, tmp_path / 'b.mkv', stamps))
    np.testing.assert_allclose([1000 * frame.time for frame in frames], [0, 40, 60, *range(80, 760, 40)], atol=0.1)
    assert video.notes == ['Frames whose time stamps are missing or do not ascend, put between their neighbours: 1.']


def test_files_that_start_late_or_were_trimmed(write_video, smooth_images, path, tmp_path):
    """An edited file also states the frames before its beginning, which are not shown."""
    _, frames = read(write_video(tmp_path / 'a.ts', smooth_images, range(5000, 5800, 40), 'libx264'))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(20) / 25, atol=1e-4)
    trimmed = remux(path, tmp_path / 'b.mp4', range(-240, 560, 40), avoid_negative_ts='disabled', use_editlist='1')
    video, frames = read(trimmed)
    assert len(frames) == 14 and video.notes == []
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(14) / 25, atol=1e-6)
    assert np.abs(frames[0].image.astype(int) - smooth_images[6]).mean() < 5
    assert read(trimmed, fps=50)[1][-1].time == pytest.approx(13 / 50)


def test_a_video_that_begins_after_its_sound(smooth_images, tmp_path):
    with av.open(str(tmp_path / 'a.mkv'), 'w') as container:
        sound, stream = container.add_stream('pcm_s16le', rate=8000), container.add_stream('mpeg4', rate=25)
        sound.layout, stream.width, stream.height = 'mono', 96, 74
        audio = av.AudioFrame.from_ndarray(np.zeros((1, 32000), np.int16), format='s16', layout='mono')
        audio.sample_rate, audio.pts = 8000, 0
        container.mux(sound.encode(audio))
        for number, image in enumerate(smooth_images):
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.pts, frame.time_base = number + 18, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    video, frames = read(tmp_path / 'a.mkv')
    assert video.notes == ['The video begins 0.72 s after the sound; times count from the first frame.']
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(20) / 25, atol=1e-6)


@pytest.mark.parametrize('cover_first', [True, False])
@pytest.mark.parametrize(('size', 'frames'), [((48, 38), 20), ((192, 148), 1)])
def test_the_best_stream_is_read(smooth_images, tmp_path, cover_first, size, frames):
    """Neither a small preview nor a large cover image is read, whatever their order."""
    with av.open(str(tmp_path / 'a.mp4'), 'w') as container:
        for width, height in [size, (96, 74)] if cover_first else [(96, 74), size]:
            stream = container.add_stream('mpeg4', rate=25)
            stream.width, stream.height, stream.bit_rate = width, height, 4_000_000
        for stream in container.streams.video:
            is_cover = stream.width != 96
            for number, image in enumerate(smooth_images[: frames if is_cover else 20]):
                image = np.full((size[1], size[0], 3), 255, np.uint8) if is_cover else image
                frame = av.VideoFrame.from_ndarray(image, format='bgr24')
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    video, read_frames = read(tmp_path / 'a.mp4')
    assert len(read_frames) == 20 and np.abs(read_frames[7].image.astype(int) - smooth_images[7]).mean() < 5
    assert video.notes == [
        f'The file has 2 videos or still images; the one read is number {int(cover_first)}, of 96 x 74 px.'
    ]
    assert read(tmp_path / 'a.mp4', fps=50)[1][-1].time == pytest.approx(19 / 50)


@pytest.mark.parametrize('name', ['a.mp4', 'a.mkv', 'a.ts', 'a.avi'])
@pytest.mark.parametrize('from_address', [False, True])
def test_an_unmarked_still_before_the_video(smooth_images, tmp_path, serve, name, from_address):
    """Matroska and transport streams do not state how many frames a stream has, and AVI states its duration only."""
    with av.open(str(tmp_path / name), 'w') as container:
        streams = [container.add_stream('mpeg4', rate=25) for _ in range(2)]
        (streams[0].width, streams[0].height), (streams[1].width, streams[1].height) = (216, 384), (96, 74)
        for stream, images in zip(streams, (smooth_images[:1], smooth_images), strict=True):
            for number, image in enumerate(images):
                frame = av.VideoFrame.from_ndarray(cv2.resize(image, (stream.width, stream.height)), format='bgr24')
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    content = (tmp_path / name).read_bytes()
    video, frames = read(serve('video/any', lambda: [content], len(content)) if from_address else tmp_path / name)
    assert [frame.image.shape for frame in frames] == [(74, 96, 3)] * 20
    assert video.notes == ['The file has 2 videos or still images; the one read is number 1, of 96 x 74 px.']


@pytest.mark.parametrize('name', ['a.mp4', 'a.mkv', 'a.ts'])
@pytest.mark.parametrize('start', [0, 5000])
def test_a_whole_file_that_begins_late(write_video, smooth_images, tmp_path, name, start):
    """A Matroska file's duration counts from zero, others' from the first frame."""
    video, frames = read(write_video(tmp_path / name, smooth_images, range(start, start + 800, 40)))
    assert video.notes == [] and video.frame_count in (20, None)
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(20) / 25, atol=1e-6)


@pytest.mark.parametrize('name', ['a.mkv', 'a.ts'])
def test_a_file_at_an_address(write_video, smooth_images, tmp_path, serve, name):
    """Every frame of it is read, whether the server states its size or not."""
    content = write_video(tmp_path / name, smooth_images, range(0, 800, 40), 'libx264').read_bytes()
    video, frames = read(serve('video/any', lambda: [content], len(content)))
    assert not video.is_live and re.fullmatch(r'http://127\.0\.0\.1:\d+/stream', video.name)
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(20) / 25, atol=1e-4)


def test_a_camera_at_an_address(smooth_images, serve_camera):
    """Its frames have no time stamps: their times are those of their arrival, not FFmpeg's 25 a second."""
    address = serve_camera(smooth_images, repeat(0.1))
    video, frames = open_source(address), []
    assert video.is_live
    with pytest.raises(InputError, match=r'stream broke off after 20 frames, FFmpeg says: .*: is it still sending\?'):
        frames.extend(video)
    times = np.array([frame.time for frame in frames])
    assert times[0] == 0 and 1.5 < times[-1] < 10 and all(frame.taken > 0 for frame in frames)
    with pytest.raises(InputError, match=r'/stream is live and tells the times of its frames itself: leave fps out'):
        open_source(address, 30)


def test_a_live_stream_with_time_stamps(write_video, smooth_images, tmp_path):
    """Times are its stamps, not those of arrival in bursts; frames that are not taken in time are dropped."""
    content = write_video(tmp_path / 'a.ts', smooth_images, range(5000, 5800, 40), 'libx264').read_bytes()
    with socket.create_server(('127.0.0.1', 0)) as server:

        def send():
            with server.accept()[0] as connection:
                connection.sendall(content)

        threading.Thread(target=send, daemon=True).start()
        video, frames = read(f'tcp://127.0.0.1:{server.getsockname()[1]}')
    assert video.is_live and frames[-1].index == 19
    np.testing.assert_allclose([frame.time for frame in frames], [frame.index / 25 for frame in frames], atol=1e-4)


def test_addresses_that_do_not_work(serve, monkeypatch):
    monkeypatch.setattr('depth_refine.inference.sources.video_file._PATIENCE', 0.5)
    with socket.create_server(('127.0.0.1', 0)) as silent:
        port = silent.getsockname()[1]
        for address, message in [
            (f'http://127.0.0.1:{port}/a.mp4', r'http://127\.0\.0\.1:\d+/a\.mp4 does not answer within 0\.5 s'),
            (f'rtsp://me:secret@127.0.0.1:{port}/a', r'^rtsp://127\.0\.0\.1:\d+/a (does not answer|cannot be opened)'),
            (serve('text/html', lambda: [b'<html>a page</html>'], 19), r'FFmpeg says: Invalid data.*of a web page'),
            ('nothing://x/y', r'nothing://x/y cannot be opened as a video \(FFmpeg says: Protocol not found\)'),
        ]:
            with pytest.raises(InputError, match=message):
                open_source(address)


def test_a_camera_that_falls_silent(smooth_images, serve_camera, monkeypatch):
    monkeypatch.setattr('depth_refine.inference.sources.video_file._PATIENCE', 0.5)
    with pytest.raises(InputError, match=r'after \d+ frames, nothing came for 0\.5 s: is it still sending'):
        read(serve_camera(smooth_images, [0] * 12 + [3]))
