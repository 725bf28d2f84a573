"""Mirrors windows and their targets, one by one or by the batch."""

import numpy as np
import torch
from mmpose.datasets.transforms import RandomFlipAroundRoot
from mmpose.registry import TRANSFORMS
from torch import Tensor

from depth_refine.utils.options import require_number

_PART = 64  # on CPUs, windows whose copies stay in a processor's cache, 3.2 MB at 243 frames of 17 x 3 numbers


@TRANSFORMS.register_module()
class RandomSequenceFlip(RandomFlipAroundRoot):
    """Mirror normalised sequences about the middle of the image, and their targets about the camera's axis.

    To be used after :class:`GenerateSequenceTarget`. Sample by sample it is MMPose's ``RandomFlipAroundRoot``, which
    however leaves the weights of left and right joints where they were.

    Args:
        prob: probability that a window is mirrored.

    Raises:
        InputError: ``prob`` is not within [0, 1].
    """

    def __init__(self, prob: float = 0.5) -> None:
        require_number('prob of RandomSequenceFlip', prob, 0, 1)
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
        """Mirror some of B windows.

        Args:
            batch: the same labels with a batch axis in front, overwritten; ``flip_indices`` (K,) int64. All on one
                device.
        """
        joints, device = batch['flip_indices'], batch['keypoint_labels'].device
        chosen = torch.rand(len(batch['keypoint_labels']), device=device) < self.prob
        for key in ('keypoint_labels', 'lifting_target_label', 'lifting_target_weight', 'trajectory_weights'):
            values, is_position = batch[key], key.endswith(('_label', '_labels'))
            if device.type == 'cpu':
                for some in chosen.nonzero().flatten().split(_PART):
                    values.index_copy_(0, some, _mirror(values.index_select(0, some), joints, is_position))
            else:  # all of them: the host would have to wait to learn which were chosen
                is_chosen = chosen.view(-1, *[1] * (values.ndim - 1))
                batch[key] = torch.where(is_chosen, _mirror(values, joints, is_position), values)
        return batch


def _mirror(values: Tensor, joints: Tensor, is_position: bool) -> Tensor:
    """A mirrored copy of (B, T, K, ...); joints are picked number by number, from plain rows, which is fastest."""
    rows = values.flatten(2).flatten(0, 1)
    size = rows.shape[1] // len(joints)
    columns = joints[:, None] * size + torch.arange(size, device=joints.device)
    mirrored = rows.index_select(1, columns.flatten()).view(values.shape)
    if is_position:
        mirrored[..., 0].neg_()
    return mirrored
