import av
import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.visualization.mp4 import write_mp4

BLACK = np.zeros((16, 32, 3), np.uint8)


def test_browsers_can_play_it(tmp_path):
    """All browsers know H.264 with colours at half resolution; an index at the front lets it start at once."""
    path = tmp_path / 'a' / 'v.mp4'
    write_mp4(((index / 30, np.full((30, 46, 3), index, np.uint8)) for index in range(65)), path, fps=30)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ('h264', 'yuv420p')
        assert (stream.width, stream.height) == (46, 30)
        key_frames = [index for index, frame in enumerate(container.decode(stream)) if frame.key_frame]
    assert len(key_frames) >= 3 and max(np.diff(key_frames)) <= 30, 'at least one a second'
    content = path.read_bytes()
    assert content.index(b'moov') < content.index(b'mdat')


def test_frames_keep_their_times_and_colours(read_video, tmp_path):
    times, colors = np.array([0, 0.04, 0.1, 0.5]), np.array([(10, 80, 200), (230, 97, 0), (0, 114, 200), (0, 0, 0)])
    frames = np.broadcast_to(colors[:, None, None].astype(np.uint8), (4, 32, 48, 3))
    write_mp4(zip(times, frames, strict=True), tmp_path / 'v.mp4', fps=10)
    stream, written, images = read_video(tmp_path / 'v.mp4')
    np.testing.assert_allclose(written, times, atol=1e-4)
    np.testing.assert_allclose(images.mean(axis=(1, 2)), colors, atol=6)
    assert float(stream.duration * stream.time_base) == pytest.approx(0.6, abs=1e-3), 'the last stays for the mean time'


def unplugged():
    yield 0.0, BLACK
    raise RuntimeError('unplugged')


@pytest.mark.parametrize(
    ('frames', 'name', 'message'),
    [
        ([], 'v.mp4', 'v.mp4: there are no frames'),
        ([(0, BLACK)], 'v.mkv', r"v.mkv: expected a name that ends in '.mp4'"),
        ([(0, BLACK), (1, BLACK[:8])], 'v.mp4', r'expected images of one size, \(16, 32, 3\), got \(8, 32, 3\)'),
        ([(0.08, BLACK), (0.04, BLACK)], 'v.mp4', r'expected times that increase, got 0.0400 s after 0.0800 s'),
        (unplugged(), 'v.mp4', 'unplugged'),
    ],
)
def test_refused_without_leaving_anything(tmp_path, frames, name, message):
    with pytest.raises((InputError, RuntimeError), match=message):
        write_mp4(frames, tmp_path / name, fps=25)
    assert not list(tmp_path.iterdir())


@pytest.mark.posix
def test_full_disk(tmp_path, monkeypatch):
    open_file = av.open
    monkeypatch.setattr(av, 'open', lambda path, *args, **kw: open_file('/dev/full', *args, format='mp4', **kw))
    with pytest.raises(InputError, match=r'v.mp4: .*No space left on device'):
        write_mp4([(0.0, BLACK)], tmp_path / 'v.mp4', 25)
    assert not list(tmp_path.iterdir())
