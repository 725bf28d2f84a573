"""Mirrors windows and their targets, one by one or by the batch."""

import itertools

import numpy as np
import torch
from mmpose.datasets.transforms import RandomFlipAroundRoot
from mmpose.registry import TRANSFORMS
from torch import Tensor


@TRANSFORMS.register_module()
class RandomSequenceFlip(RandomFlipAroundRoot):
    """Mirror normalised sequences about the middle of the image, and their targets about the camera's axis.

    To be used after :class:`GenerateSequenceTarget`. Sample by sample it is MMPose's ``RandomFlipAroundRoot``, which
    however leaves the weights of left and right joints where they were.

    Args:
        prob: probability that a window is mirrored.

    Raises:
        ValueError: ``prob`` is not within [0, 1].
    """

    def __init__(self, prob: float = 0.5) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'RandomSequenceFlip needs 0 <= prob <= 1, got {prob}')
        about_zero = dict(center_mode='static', center_x=0.0)
        super().__init__(about_zero, about_zero, flip_prob=1.0, flip_label=True)
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Mirror ``keypoint_labels`` (T, K, C), ``lifting_target_label`` (T', K, 3) and its weights (T', K)."""
        if np.random.rand() >= self.prob:
            return results
        results = super().transform(results)
        for key in ('lifting_target_weight', 'trajectory_weights'):
            if key in results:
                results[key] = results[key][:, results['flip_indices']]
        return results

    def transform_batch(self, batch: dict) -> dict:
        """Mirror some of B windows: the same labels with a batch axis in front."""
        chosen = torch.rand(len(batch['keypoint_labels'])) < self.prob
        chosen = chosen.nonzero().flatten().to(batch['keypoint_labels'].device)
        runs = _runs(batch['flip_indices'])
        for key in ('keypoint_labels', 'lifting_target_label', 'lifting_target_weight', 'trajectory_weights'):
            mirrored = _permute(batch[key][chosen], runs)
            if key.endswith('_label') or key.endswith('_labels'):
                mirrored[..., 0].neg_()
            batch[key][chosen] = mirrored
        return batch


def _runs(indices: list[int]) -> list[slice]:
    """Indices as ranges of consecutive ones."""
    starts = [0, *(np.flatnonzero(np.diff(indices) != 1) + 1).tolist(), len(indices)]
    return [slice(indices[a], indices[b - 1] + 1) for a, b in itertools.pairwise(starts)]


def _permute(values: Tensor, runs: list[slice]) -> Tensor:
    """Joints (B, T, K, ...) in another order; runs of joints are copied faster than single ones."""
    return torch.cat([values[:, :, run] for run in runs], dim=2)
