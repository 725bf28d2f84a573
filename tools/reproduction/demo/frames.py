"""Frames of the demo with image, truth, first stage and refined pose, and a video of them."""

from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

import cv2
import numpy as np

from depth_refine.datasets import H36MDepthSequenceDataset
from depth_refine.functional.camera import back_project
from depth_refine.visualization import PoseFrame
from depth_refine.visualization.mp4 import write_mp4
from depth_refine.visualization.pose_strip import draw_strip

_SWING_SECONDS = 8


def refinement_frames(
    dataset: H36MDepthSequenceDataset, predictions: dict[str, np.ndarray], names: list[str], step: int = 1
) -> Iterator[PoseFrame]:
    """Every ``step``-th frame of some videos, with both stages' poses and the truth.

    Args:
        dataset: the test data, in test mode and with the input source ``'2d+depth'``.
        predictions: refined poses of each video by its name, (T, 17, 3) m, root-relative.
        names: the videos to show, in this order.
        step: distance between frames.

    Yields:
        Frames whose predictions are ``'first stage'``, placed in space with the true root depth, and ``'refined'``.

    Raises:
        ValueError: the data set has other inputs, or is not in test mode.
    """
    if dataset.input_source != '2d+depth' or not dataset.test_mode:
        raise ValueError("refinement_frames needs whole videos with depths: test_mode=True, input_source='2d+depth'")
    by_name = {sequence.name: index for index, sequence in enumerate(dataset.annotation.sequences)}
    for name in names:
        sample = dataset.get_data_info(by_name[name])
        first_stage = sample['keypoints'][dataset.frames_before :]
        frames = dataset.annotation.frames[sample['img_ids']]
        for t in range(0, len(frames), step):
            truth, pixels = sample['lifting_target'][t], first_stage[t, :, :2]
            depth = truth[dataset.skeleton.root, 2] + first_stage[t, :, 2]
            poses = {
                'first stage': back_project(pixels, depth, sample['camera_param']),
                'refined': predictions[name][t],
            }
            title = f'{sample["subject"]} {sample["action"]}, frame {frames[t]}'
            yield PoseFrame(dataset.skeleton, cv2.imread(sample['target_img_path'][t]), pixels, truth, poses, title)


def write_pose_video(frames: Iterable[PoseFrame], path: str | Path, fps: float) -> None:
    """Write an MP4: the input with 2D joints beside 3D views of the predictions and of the truth.

    The view swings slowly between 15 and 85 degrees around the person, so that errors in depth, which the camera cannot
    see, become visible. The file appears when it is complete.

    Args:
        frames: what to draw, all with the same names of predictions; a generator is consumed frame by frame.
        path: the file, ending in '.mp4'.
        fps: frames per second.

    Raises:
        InputError: there is no frame, ``path`` does not end in '.mp4', or the number of predictions changes.
    """
    azimuths = (50 - 35 * np.cos(2 * np.pi * index / fps / _SWING_SECONDS) for index in count())
    strips = (draw_strip(frame, azimuth, crop=False) for frame, azimuth in zip(frames, azimuths, strict=False))
    write_mp4(((index / fps, strip) for index, strip in enumerate(strips)), path, fps)
