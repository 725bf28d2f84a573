from dataclasses import replace

import cv2
import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.visualization import write_pose_video
from depth_refine.visualization.pose_frame import SIDE_COLORS
from depth_refine.visualization.pose_strip import PANEL


def _read(path):
    capture = cv2.VideoCapture(str(path))
    fps, frames = capture.get(cv2.CAP_PROP_FPS), []
    while True:
        read, image = capture.read()
        if not read:
            return fps, frames
        frames.append(image)


def test_every_frame_is_written(frame, tmp_path):
    path = tmp_path / 'out' / 'poses.mp4'
    write_pose_video((frame for _ in range(7)), path, fps=25)
    fps, frames = _read(path)
    assert fps == 25 and len(frames) == 7
    assert all(image.shape == (422, 4 * PANEL, 3) for image in frames)
    near_blue = np.abs(frames[0].astype(int) - SIDE_COLORS['left'][::-1]).max(axis=-1) < 40
    assert near_blue.sum() > 200
    assert [file.name for file in path.parent.iterdir()] == ['poses.mp4']


def test_view_swings(frame, tmp_path):
    write_pose_video([frame] * 9, tmp_path / 'poses.mp4', fps=2)
    _, frames = _read(tmp_path / 'poses.mp4')
    assert np.abs(frames[0][:392, PANEL:].astype(int) - frames[8][:392, PANEL:]).max() > 100
    assert np.abs(frames[0][:392, :PANEL].astype(int) - frames[8][:392, :PANEL]).max() < 40, 'the input stays'


def test_refused_without_leaving_anything(frame, tmp_path):
    def breaks():
        yield frame
        raise RuntimeError('camera unplugged')

    with pytest.raises(RuntimeError, match='camera unplugged'):
        write_pose_video(breaks(), tmp_path / 'poses.mp4', fps=25)
    with pytest.raises(InputError, match=r'poses.mp4: there are no frames'):
        write_pose_video([], tmp_path / 'poses.mp4', fps=25)
    with pytest.raises(InputError, match=r"poses.avi: expected a name that ends in '.mp4'"):
        write_pose_video([frame], tmp_path / 'poses.avi', fps=25)
    with pytest.raises(
        InputError, match=r'poses.mp4: expected pictures of one size, \(422, 1360, 3\), got \(422, 1020, 3\)'
    ):
        write_pose_video([frame, replace(frame, predictions={'refined': frame.truth})], tmp_path / 'poses.mp4', fps=25)
    assert not list(tmp_path.iterdir())
