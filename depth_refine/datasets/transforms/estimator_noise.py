"""Training noise of the second stage with the errors of per-frame estimators, part by part."""

import math
from collections.abc import Sequence

import torch
from mmcv.transforms import BaseTransform
from mmpose.registry import KEYPOINT_CODECS, TRANSFORMS
from torch import Tensor

from depth_refine.utils.arrays import as_given, as_tensor
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number

_Pair = tuple[float, float]


@TRANSFORMS.register_module()
class EstimatorNoise(BaseTransform):
    """Make true poses look like those of a per-frame estimator on a video.

    Where :class:`GaussianJointNoise` has white noise alone, errors of estimators have parts that last: of a frame, of
    some tenths of a second, of a whole window. Shape key: T frames, K joints, C channels, u and v or u, v and depth.

    Each part but the last two is normal and given by standard deviations: of a pair, in the image, in metres at the
    person's distance, and in depth, metres. The errors of a window, all together, are larger or smaller by a factor of
    its own. The root's depth, to which depths are relative, stays 0.

    To be used after ``GenerateTarget`` with a :class:`DepthSequenceLifting` of ``rays``, before or after flips. Random
    numbers are PyTorch's.

    Required keys: ``keypoint_labels`` (..., T, K, C), ``target_root`` (..., T', 3), ``flip_indices``; ``test_mode``
    (optional): if true, nothing is done.

    Modified keys: ``keypoint_labels``, a copy.

    Args:
        encoder: config of the codec that made the labels.
        frame_rate: frames a second of the windows.
        white: independent in each frame and joint.
        slow: of each joint, autoregressive of first order.
        slow_seconds: range of its correlation time, of which each window has one, uniform in the logarithm.
        constant: of each joint in the whole window.
        scale: of all depths of a window, as a part of them.
        tilt: of the whole body in a window towards and away from the camera, about an axis in the image; degrees.
        spread: of the natural logarithm of the window's factor.
        swap: the part of the windows in which left and right change names for a while: all joints, or those of one
            pair of limbs.
        missing: the part of the windows in which some joints are lost for a while; they are interpolated between
            the frames before and after, and at the ends stay where they are.

    Raises:
        InputError: an argument is out of its range, or the codec normalises by the image's width.
    """

    batched = True  # see DepthSequenceDataset

    def __init__(
        self,
        encoder: dict,
        frame_rate: float,
        white: _Pair = (0.0, 0.0),
        slow: _Pair = (0.0, 0.0),
        slow_seconds: _Pair = (0.1, 0.5),
        constant: _Pair = (0.0, 0.0),
        scale: float = 0.0,
        tilt: float = 0.0,
        spread: float = 0.0,
        swap: float = 0.0,
        missing: float = 0.0,
    ) -> None:
        self.encoder = KEYPOINT_CODECS.build(encoder)
        self.frame_rate = frame_rate
        self.white, self.slow, self.slow_seconds, self.constant = white, slow, slow_seconds, constant
        self.scale, self.tilt, self.spread, self.swap, self.missing = scale, tilt, spread, swap, missing

    def transform(self, results: dict) -> dict:
        """Replace ``keypoint_labels`` by a noisy copy."""
        if results.get('test_mode', False):
            return results
        given = results['keypoint_labels']
        labels, roots = as_tensor(given), as_tensor(results['target_root'])
        single = labels.ndim == 3
        if single:
            labels, roots = labels[None], roots[None]
        noisy = self._noisy(labels, roots, list(results['flip_indices']), results.get('root_index', 0))
        results['keypoint_labels'] = as_given(noisy[0] if single else noisy, given)
        return results

    def _noisy(self, labels: Tensor, roots: Tensor, twins: list[int], root: int) -> Tensor:
        """Labels (B, T, K, C) and roots (B, T', 3)."""
        batch, frames, joints, channels = labels.shape
        distance = roots[:, roots.shape[1] // 2, 2].view(-1, 1, 1, 1)
        # metres at the person: of u and v about the optical axis, of depth
        unit = torch.cat([distance, distance, torch.full_like(distance, self.encoder.depth_range / 2)], dim=-1)
        unit = unit[..., :channels]
        metres = labels * unit
        randn = lambda *shape: torch.randn(batch, *shape, dtype=labels.dtype, device=labels.device)  # noqa: E731
        amounts = lambda pair: labels.new_tensor([pair[0], pair[0], pair[1]][:channels])  # noqa: E731
        noise = randn(1, joints, channels) * amounts(self.constant)
        noise = noise + randn(frames, joints, channels) * amounts(self.white)
        noise = noise + self._slow(randn(frames, joints, channels)) * amounts(self.slow)
        factor = (self.spread * randn(1, 1, 1)).exp()
        noise = noise * factor
        if channels > 2:
            across = metres[..., :2] - metres[..., [root], :2]
            lean = math.radians(self.tilt) * randn(1, 1, 2)
            depth = metres[..., 2] * (1 + self.scale * randn(1, 1)) + (across * lean).sum(-1)
            noise[..., 2] += depth - metres[..., 2]
            noise[..., root, 2] = 0
        noisy = (metres + noise) / unit
        noisy = self._swapped(noisy, twins)
        return self._held(noisy)

    def _slow(self, white: Tensor) -> Tensor:
        low, high = (math.log(s) for s in self.slow_seconds)
        seconds = (low + (high - low) * torch.rand(len(white), 1, 1, device=white.device)).exp()
        kept = torch.exp(-1 / (self.frame_rate * seconds))
        rest = (1 - kept**2).sqrt()
        frames = [white[:, 0]]
        for frame in white[:, 1:].unbind(1):
            frames.append(kept * frames[-1] + rest * frame)
        return torch.stack(frames, dim=1)

    def _spans(self, labels: Tensor, part: float) -> Tensor:
        """(B, T) true in a span of a part of the windows."""
        batch, frames = labels.shape[:2]
        rand = lambda: torch.rand(batch, 1, device=labels.device)  # noqa: E731
        length = (rand() * frames * 1.2).ceil()
        start = (rand() * (frames + length) - length).round()
        at = torch.arange(frames, device=labels.device)
        return (rand() < part) & (at >= start) & (at < start + length)

    def _swapped(self, labels: Tensor, twins: list[int]) -> Tensor:
        if not self.swap:
            return labels
        spans = self._spans(labels, self.swap)
        return torch.where(spans[..., None, None], labels[:, :, twins], labels)

    def _held(self, labels: Tensor) -> Tensor:
        if not self.missing:
            return labels
        frames, joints = labels.shape[1:3]
        lost = self._spans(labels, self.missing)[..., None] & (
            torch.rand(len(labels), 1, joints, device=labels.device) < 0.3
        )
        at = torch.arange(frames, device=labels.device)[:, None].expand_as(lost)
        before = torch.where(lost, -1, at).cummax(1)[0]
        after = torch.where(lost, frames, at).flip(1).cummin(1)[0].flip(1)
        alone = before < 0
        first, last = torch.where(alone, after, before), torch.where(after >= frames, before, after)
        lost_all = (first >= frames) | (last < 0)
        first, last = torch.where(lost_all, at, first), torch.where(lost_all, at, last)
        pick = lambda index: labels.gather(1, index[..., None].expand_as(labels))  # noqa: E731
        share = ((at - first) / (last - first).clamp(min=1))[..., None].clamp(0, 1)
        return torch.lerp(pick(first), pick(last), share)
