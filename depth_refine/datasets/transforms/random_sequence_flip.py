"""Random mirroring of windows and their targets."""

import functools

import torch
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS
from torch import Tensor

from depth_refine.utils.arrays import as_given, as_tensor
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

_POSITIONS = ('keypoint_labels', 'lifting_target_label')
_WEIGHTS = ('lifting_target_weight', 'trajectory_weights')  # the latter of MMPose's codecs


@TRANSFORMS.register_module()
class RandomSequenceFlip(BaseTransform):
    """Mirror normalised sequences about the middle of the image, and their targets about the camera's axis.

    The same as MMPose's ``RandomFlipAroundRoot`` about 0 with ``flip_label=True``, except that weights of left and
    right joints are exchanged too. To be used after :class:`GenerateSequenceTarget`. The choice is made for each window
    of a batch; random numbers are PyTorch's.

    Required keys: ``keypoint_labels`` (..., T, K, C), ``lifting_target_label`` (..., T', K, 3) and ``flip_indices``, K
    numbers; ``lifting_target_weight`` and ``trajectory_weights`` (..., T', K), both optional.

    Modified keys: the labels and weights.

    Args:
        prob: probability that a window is mirrored.

    Raises:
        InputError: ``prob`` is not within [0, 1]; there are no labels, or not of K joints, as after codecs that reshape
            or leave out the root.

    Example:
        >>> import torch
        >>> from depth_refine.datasets.transforms import RandomSequenceFlip
        >>> pose = torch.tensor([[[0.1, 0.5, 0.0], [0.3, 0.6, 0.2]]])  # (T, K, 3), left and right
        >>> results = dict(keypoint_labels=pose, lifting_target_label=pose, flip_indices=[1, 0])
        >>> RandomSequenceFlip(prob=1.0)(results)['keypoint_labels']
        tensor([[[-0.3000,  0.6000,  0.2000],
                 [-0.1000,  0.5000,  0.0000]]])
    """

    batched = True  # see DepthSequenceDataset

    def __init__(self, prob: float = 0.5) -> None:
        require_number('prob of RandomSequenceFlip', prob, 0, 1)
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Mirror each window with probability ``prob``."""
        joints = tuple(results['flip_indices'])
        for key in _POSITIONS:
            shape = getattr(results.get(key), 'shape', None)
            if shape is None or len(shape) < 3 or shape[-2] != len(joints):
                raise InputError(
                    f'RandomSequenceFlip takes {key} (T, {len(joints)}, C) from a codec that neither reshapes nor '
                    f'removes joints, got {"none" if shape is None else tuple(shape)}'
                )
        labels = results['keypoint_labels']
        chosen = torch.rand(labels.shape[:-3], device=as_tensor(labels).device) < self.prob
        for key in (*_POSITIONS, *(key for key in _WEIGHTS if key in results)):
            values = as_tensor(results[key])
            rows = values.flatten(-2) if key in _POSITIONS else values
            order, sign = _mirror(joints, rows.shape[-1] // len(joints), values.device)
            # each row gathers its numbers in its window's order: one pass, and no synchronisation with a GPU
            order = torch.where(chosen[..., None], order, torch.arange(len(order), device=values.device))
            rows = rows.gather(-1, order[..., None, :].expand(rows.shape))
            if key in _POSITIONS:
                rows *= torch.where(chosen[..., None], sign, 1)[..., None, :]
            results[key] = as_given(rows.view(values.shape), results[key])
        return results


@functools.cache
def _mirror(joints: tuple[int, ...], channels: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Indices that mirror a row of K * channels numbers, and signs: -1 for each joint's first channel, x or u."""
    order = torch.tensor(joints)[:, None] * channels + torch.arange(channels)
    sign = torch.ones(order.shape)
    sign[:, 0] = -1
    return order.flatten().to(device), sign.flatten().to(device)
