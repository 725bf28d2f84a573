from contextlib import contextmanager
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from depth_refine.utils.atomic import whole_file
from depth_refine.utils.errors import InputError
from depth_refine.visualization import mp4
from depth_refine.visualization.mp4 import mp4_writer


def test_browsers_can_play_it(tmp_path):
    """H.264 with colours at half resolution is what all of them know; an index at the front starts it at once."""
    with mp4_writer(tmp_path / 'a' / 'v.mp4', fps=30) as writer:
        for index in range(65):
            writer.write(np.full((30, 46, 3), index, np.uint8), index / 30)
    with av.open(str(tmp_path / 'a' / 'v.mp4')) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ('h264', 'yuv420p')
        assert (stream.width, stream.height) == (46, 30)
        key_frames = [index for index, frame in enumerate(container.decode(stream)) if frame.key_frame]
    assert len(key_frames) >= 3 and max(np.diff(key_frames)) <= 30, 'at least one a second'
    content = (tmp_path / 'a' / 'v.mp4').read_bytes()
    assert content.index(b'moov') < content.index(b'mdat')


def test_frames_keep_their_times(tmp_path):
    times = np.array([0, 0.04, 0.1, 0.11, 0.5])
    with mp4_writer(tmp_path / 'v.mp4', fps=10) as writer:
        for seconds in times:
            writer.write(np.zeros((16, 32, 3), np.uint8), seconds)
    with av.open(str(tmp_path / 'v.mp4')) as container:
        stream = container.streams.video[0]
        written = [frame.pts * stream.time_base for frame in container.decode(stream)]
        duration = stream.duration * stream.time_base
    np.testing.assert_allclose(np.array(written, float), times, atol=1e-4)
    assert duration == pytest.approx(Fraction(6, 10), abs=1e-3), 'the last frame stays for the mean time'


@pytest.mark.parametrize('color', [(10, 80, 200), (230, 97, 0), (0, 114, 200)])
def test_colors(color, tmp_path):
    with mp4_writer(tmp_path / 'v.mp4', fps=25) as writer:
        writer.write(np.full((32, 48, 3), color, np.uint8), 0.0)
    _, read = cv2.VideoCapture(str(tmp_path / 'v.mp4')).read()
    np.testing.assert_allclose(read.reshape(-1, 3).mean(axis=0), color, atol=6)


def test_refused_without_leaving_anything(tmp_path):
    path, picture = tmp_path / 'v.mp4', np.zeros((16, 32, 3), np.uint8)
    with pytest.raises(InputError, match=r'v.mp4: there are no frames'), mp4_writer(path, fps=25):
        pass
    with pytest.raises(InputError, match=r"v.mkv: expected a name that ends in '.mp4'"), mp4_writer('v.mkv', fps=25):
        pass
    with (
        pytest.raises(InputError, match=r'v.mp4: expected pictures of one size, \(16, 32, 3\), got \(16, 34, 3\)'),
        mp4_writer(path, fps=25) as writer,
    ):
        writer.write(picture, 0.0)
        writer.write(np.zeros((16, 34, 3), np.uint8), 0.04)
    with (
        pytest.raises(InputError, match=r'v.mp4: expected times that increase, got 0.0400 s after 0.0800 s'),
        mp4_writer(path, fps=25) as writer,
    ):
        for seconds in (0.0, 0.08, 0.04):
            writer.write(picture, seconds)
    with pytest.raises(RuntimeError, match='unplugged'), mp4_writer(path, fps=25) as writer:
        writer.write(picture, 0.0)
        raise RuntimeError('unplugged')
    assert not list(tmp_path.iterdir())


def test_full_disk(tmp_path, monkeypatch):
    @contextmanager
    def whole_file_on_a_full_disk(path):
        with whole_file(path) as partial:
            partial.symlink_to('/dev/full')
            yield partial

    monkeypatch.setattr(mp4, 'whole_file', whole_file_on_a_full_disk)
    with (
        pytest.raises(InputError, match=r'v.mp4: .*No space left on device'),
        mp4_writer(tmp_path / 'v.mp4', 25) as writer,
    ):
        writer.write(np.zeros((16, 32, 3), np.uint8), 0.0)
    assert not list(tmp_path.iterdir())
