"""Video files."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from depth_refine.inference.video_source import open_source

COUNT, SIZE = 12, (48, 38)  # frames; width and height, px


@pytest.fixture(scope='module')
def pictures():
    coarse = np.random.default_rng(0).integers(0, 150, (4, 5, 3), np.uint8)
    texture = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)
    return [np.clip(texture + np.uint8(8 * number), 0, 255) for number in range(COUNT)]


@pytest.fixture(scope='module')
def videos(pictures, tmp_path_factory):
    """Bytes of the same video in three formats."""
    found = {}
    for suffix, codec in (('.mp4', 'mpeg4'), ('.avi', 'mjpeg'), ('.mkv', 'mpeg4')):
        path = tmp_path_factory.mktemp('videos') / f'video{suffix}'
        with av.open(str(path), 'w') as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height = SIZE
            stream.pix_fmt = 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
            for number, image in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(image, format='bgr24')
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        found[suffix] = path.read_bytes()
    return found


@pytest.mark.parametrize('suffix', ['.mp4', '.avi', '.mkv'])
def test_video_bytes(fuzz, videos, tmp_path, suffix):
    def read(path):
        source = open_source(path)
        return [(frame.index, frame.time, frame.image) for frame in source], source.notes

    def judge(case, value):
        """Frames are numbered and ascend in time; there are no more than the file has bytes for."""
        frames, notes = value
        assert [index for index, _, _ in frames] == list(range(len(frames))) and frames
        times = np.array([time for _, time, _ in frames])
        assert np.isfinite(times).all() and (np.diff(times) > 0).all()
        shapes = {image.shape for _, _, image in frames if image is not None}
        assert len(shapes) == 1 and all(image is None or image.dtype == np.uint8 for _, _, image in frames)
        assert len(frames) <= len(case)
        lost = sum(image is None for _, _, image in frames)
        assert not lost or any('cannot be read' in note for note in notes)

    fuzz.bytes(tmp_path / f'video{suffix}', videos[suffix], read, judge)
