from fractions import Fraction
from functools import partial
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest


@pytest.fixture(scope='session')
def write_video():
    """Write images as a video, each at its own time in whole milliseconds; sides must be even.

    ``aspect`` is of the pixels, ``turned`` the degrees to turn it anticlockwise, and whether it is mirrored then;
    ``tags`` are texts of the file, ``coding`` the options of the codec.
    """

    def write(
        path, images, milliseconds, codec='mpeg4', aspect=None, turned=(0, False), tags=(), coding=None, **options
    ):
        with av.open(str(path), 'w', options=options) as container:
            container.metadata.update(tags)
            stream = container.add_stream(codec, rate=25, options=coding)
            stream.height, stream.width = images[0].shape[:2]
            stream.pix_fmt, stream.codec_context.time_base = 'yuv420p', Fraction(1, 1000)
            stream.bit_rate = 4_000_000
            if aspect is not None:
                stream.codec_context.sample_aspect_ratio = Fraction(*aspect)
            if any(turned):
                stream.set_display_rotation(turned[0], hflip=turned[1])
            for image, pts in zip(images, milliseconds, strict=True):
                frame = av.VideoFrame.from_ndarray(image, format='bgr24')
                frame.pts, frame.time_base = pts, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture(scope='session')
def smooth_images():
    """20 smooth images of 96 x 74 px, each brighter than the one before."""
    texture = cv2.resize(np.random.default_rng(0).integers(0, 60, (5, 6, 3), np.uint8), (96, 74))
    return [texture + np.uint8(8 * number) for number in range(20)]


@pytest.fixture
def camera(monkeypatch):
    """A function that replaces cv2's camera 0 by one that gives some frames; it returns a list of released cameras."""

    def plug_in(frames):
        images, released = iter([*((True, frame) for frame in frames), (False, None)]), []

        def capture(number):
            release = partial(released.append, number)
            return SimpleNamespace(isOpened=lambda: number == 0, read=lambda: next(images), release=release)

        monkeypatch.setattr(cv2, 'VideoCapture', capture)
        return released

    return plug_in
