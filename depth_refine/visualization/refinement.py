"""Frames to draw from a refiner's results: image, truth, first stage and refined pose."""

from collections.abc import Iterator

import cv2
import numpy as np

from depth_refine.datasets import H36MDepthSequenceDataset
from depth_refine.functional.camera import back_project
from depth_refine.structures.skeleton import ROOT

from .pose_frame import PoseFrame


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
        ValueError: the data set is of another kind.
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
            depth = truth[ROOT, 2] + first_stage[t, :, 2]
            poses = {
                'first stage': back_project(pixels, depth, sample['camera_param']),
                'refined': predictions[name][t],
            }
            title = f'{sample["subject"]} {sample["action"]}, frame {frames[t]}'
            yield PoseFrame(cv2.imread(sample['target_img_path'][t]), pixels, truth, poses, title)
