from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.fixture(scope='session')
def write_video():
    """Write images as a video, each at its own time in whole milliseconds; sides must be even."""

    def write(path, images, milliseconds, codec='mpeg4', **options):
        with av.open(str(path), 'w', options=options) as container:
            stream = container.add_stream(codec, rate=25)
            stream.height, stream.width = images[0].shape[:2]
            stream.pix_fmt, stream.codec_context.time_base = 'yuv420p', Fraction(1, 1000)
            stream.bit_rate = 4_000_000
            for image, pts in zip(images, milliseconds, strict=True):
                frame = av.VideoFrame.from_ndarray(image, format='bgr24')
                frame.pts, frame.time_base = pts, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture(scope='session')
def pictures():
    """20 smooth pictures of 96 x 74 px, each brighter than the one before."""
    texture = cv2.resize(np.random.default_rng(0).integers(0, 60, (5, 6, 3), np.uint8), (96, 74))
    return [texture + np.uint8(8 * number) for number in range(20)]


@pytest.fixture(scope='session')
def stages(tmp_path_factory):
    """Config and checkpoint of a first, then of a second stage, tiny and random."""
    folder = tmp_path_factory.mktemp('stages')
    first = Config.fromfile(CONFIGS / 'demo/integral.py')
    first.model.backbone.update(base_channels=4, stem_channels=4)
    first.model.head.update(in_channels=16, deconv_out_channels=(8, 8))
    second = Config.fromfile(CONFIGS / 'demo/refiner.py')
    second.model.backbone.channels = second.model.head.in_channels = 16
    return (*save_stage(first, folder / 'first'), *save_stage(second, folder / 'second'))


@pytest.fixture(scope='session')
def save():
    """Write a config and random weights for it: its path without suffix to both paths."""
    return save_stage


def save_stage(cfg, path):
    init_default_scope('mmpose')  # fixtures of a session come before the one that does this for each test
    torch.manual_seed(0)
    cfg.dump(path.with_suffix('.py'))
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), path.with_suffix('.pth'))
    return path.with_suffix('.py'), path.with_suffix('.pth')
