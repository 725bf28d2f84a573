"""Training noise of the second stage that has the parts of per-frame estimators' errors."""

import itertools
import math
from collections.abc import Sequence

import torch
from mmcv.transforms import BaseTransform
from mmpose.registry import KEYPOINT_CODECS, TRANSFORMS
from torch import Tensor

from depth_refine.utils.arrays import as_given, as_tensor
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number
from depth_refine.utils.units import FROM_ROOT, require_unit

_LOST_JOINTS = 0.3  # share of joints, in windows where some are lost
_NONE = (0.0, 0.0)


@TRANSFORMS.register_module()
class EstimatorNoise(BaseTransform):
    """Make true poses look like those of a per-frame estimator on a video.

    Errors of estimators have white noise, as :class:`GaussianJointNoise` adds it, and parts that are correlated over
    time. A refiner cannot average out what lasts as long as its window. Not in the paper.

    Shape key: ... any batch axes, T frames, T' targets, K joints, C channels: u and v, or u, v and depth.

    ``white``, ``slow`` and ``constant`` are normally distributed. Each has two standard deviations: one in the image,
    in metres at the person's distance, and one in depth, in metres. Slow and constant errors of depth are drawn for
    bones, and a joint has the sum over the bones between the root and itself: with a thigh too near, the foot is too
    near. Each window scales all three by a factor of its own.

    To be used after ``GenerateTarget`` with a :class:`DepthSequenceLifting` of ``rays``, before or after flips. Random
    numbers are PyTorch's.

    Required keys: ``keypoint_labels`` (..., T, K, C), ``target_root`` (..., T', 3) metres, ``flip_indices``, K numbers;
    ``test_mode`` (optional): if true, nothing is done unless ``in_tests``.

    Modified keys: ``keypoint_labels``, a noisy copy.

    Args:
        encoder: config of the codec that made the labels.
        joint_parents: the parent of each of K joints; the root is its own parent.
        frame_rate: frames a second of the windows.
        white: standard deviations of errors that are independent in all frames and joints.
        slow: those of a first-order autoregressive process.
        slow_seconds: range of the process's correlation time, in which its correlation falls to 1 / e; each window has
            its own, uniform in the logarithm.
        constant: those of errors that are the same in all frames of a window.
        spread: standard deviation of the natural logarithm of a window's factor.
        scale: standard deviation of a factor on all depths of a window, about 1.
        tilt: standard deviation of the body's rotation out of the image in a window, about each of the image's axes,
            degrees.
        swap: probability that left and right are exchanged in a part of a window.
        missing: probability that some of a window's joints are lost in a part of it. They are interpolated linearly
            over the gap, as in inference, and held at a window's ends.
        in_tests: add noise in test mode too, to measure a refiner behind such an estimator.

    Raises:
        InputError: an argument is out of its range, the codec does not normalise by rays, or ``joint_parents`` is not a
            tree; labels have another shape; or a true root is not in front of the camera, as where there is no truth.

    Example:
        >>> import torch
        >>> from depth_refine.datasets.transforms import EstimatorNoise
        >>> codec = dict(type='DepthSequenceLifting', num_keypoints=3, normalisation='rays')
        >>> noise = EstimatorNoise(codec, joint_parents=[0, 0, 1], frame_rate=50, white=(0.01, 0.02), tilt=5)
        >>> labels, root = torch.zeros(4, 27, 3, 3), torch.tensor([0.0, 0.0, 5.0]).expand(4, 1, 3)
        >>> results = noise(dict(keypoint_labels=labels, target_root=root, flip_indices=[0, 1, 2]))
        >>> results['keypoint_labels'].shape
        torch.Size([4, 27, 3, 3])
    """

    batched = True  # see DepthSequenceDataset

    def __init__(
        self,
        encoder: dict,
        joint_parents: Sequence[int],
        frame_rate: float,
        white: tuple[float, float] = _NONE,
        slow: tuple[float, float] = _NONE,
        slow_seconds: tuple[float, float] = (0.1, 0.5),
        constant: tuple[float, float] = _NONE,
        spread: float = 0.0,
        scale: float = 0.0,
        tilt: float = 0.0,
        swap: float = 0.0,
        missing: float = 0.0,
        in_tests: bool = False,
    ) -> None:
        self.encoder = KEYPOINT_CODECS.build(encoder)
        if getattr(self.encoder, 'normalisation', '') != 'rays':
            raise InputError(
                "EstimatorNoise turns metres at the person's distance into rays, not into pixels: give its encoder "
                "normalisation='rays', and the same one to GenerateSequenceTarget"
            )
        for name, values in (('white', white), ('slow', slow), ('constant', constant)):
            for value in values:
                require_number(f'{name} of EstimatorNoise', value, 0)
            require_unit(f'{name} of EstimatorNoise', values, FROM_ROOT)
        for name, value, low, high in (
            ('frame_rate', frame_rate, 1, 1000),
            ('slow_seconds', slow_seconds[0], 1e-3, slow_seconds[1]),
            ('spread', spread, 0, 2),
            ('scale', scale, 0, 1),
            ('tilt', tilt, 0, 45),
            ('swap', swap, 0, 1),
            ('missing', missing, 0, 1),
        ):
            require_number(f'{name} of EstimatorNoise', value, low, high)
        self.frame_rate, self.slow_seconds, self.in_tests = frame_rate, slow_seconds, in_tests
        self.white, self.slow, self.constant, self.spread = white, slow, constant, spread
        self.scale, self.tilt, self.swap, self.missing = scale, tilt, swap, missing
        self._to_joints = _bones_on_the_way(joint_parents)

    def transform(self, results: dict) -> dict:
        """Replace ``keypoint_labels`` by a noisy copy."""
        if results.get('test_mode', False) and not self.in_tests:
            return results
        given, joints = results['keypoint_labels'], len(self._to_joints)
        if given.ndim < 3 or given.shape[-2] != joints or given.shape[-1] not in (2, 3):
            raise InputError(
                f'EstimatorNoise takes keypoint_labels (T, {joints}, 2 or 3), as many joints as joint_parents, got '
                f'{tuple(given.shape)}'
            )
        labels = as_tensor(given)
        distance = as_tensor(results['target_root'])[..., 2].mean(dim=-1)
        if not (distance > 0).all():
            raise InputError(
                'EstimatorNoise is for true poses, whose distance from the camera is known: leave it out of the '
                'pipeline for predictions (in_tests=False)'
            )
        noisy = self._noisy(labels.flatten(0, -4) if labels.ndim > 3 else labels[None], distance.reshape(-1))
        noisy = self._swapped(noisy, list(results['flip_indices']))
        results['keypoint_labels'] = as_given(self._lost(noisy).view(labels.shape), given)
        return results

    def _noisy(self, labels: Tensor, distance: Tensor) -> Tensor:
        """Add all parts but swapped and missing joints to labels (B, T, K, C) of people at distances (B,)."""
        size, channels = labels.shape[:3], labels.shape[3]
        root = int(self._to_joints.sum(dim=1).argmin())
        frame = distance[:, None, None, None]
        factor = (self.spread * torch.randn(len(labels), 1, 1, 1, device=labels.device)).exp()
        kept = self._correlation(labels)
        noisy = torch.empty_like(labels)
        image = self._lasting(labels.new_empty(*size, 2), kept, 0)
        image += self.white[0] * torch.randn_like(image)
        torch.addcmul(labels[..., :2], image, factor / frame, out=noisy[..., :2])
        if channels == 3:
            to_joints = self._to_joints.to(labels)
            depth = self._lasting(labels.new_empty(*size, 1), kept, 1)[..., 0] @ to_joints.T
            depth += self.white[1] * torch.randn_like(depth)
            depth *= factor[..., 0]
            lean = math.radians(self.tilt) * torch.randn(len(labels), 1, 1, 2, device=labels.device)
            across = (labels[..., :2] - labels[:, :, [root], :2]) * frame
            depth += (across * lean).sum(dim=-1)
            depth[..., root] = 0  # to which depths are relative
            scale = 1 + self.scale * torch.randn(len(labels), 1, 1, device=labels.device)
            noisy[..., 2] = labels[..., 2] * scale + depth * (2 / self.encoder.depth_range)
        return noisy

    def _correlation(self, labels: Tensor) -> Tensor:
        """(B, 1, 1), the slow part's correlation between neighbouring frames."""
        low, high = (math.log(seconds) for seconds in self.slow_seconds)
        seconds = (low + (high - low) * torch.rand(len(labels), 1, 1, device=labels.device)).exp()
        return (-1 / (self.frame_rate * seconds)).exp()

    def _lasting(self, like: Tensor, kept: Tensor, which: int) -> Tensor:
        """(B, T, K, n), the sum of the slow and the constant part."""
        frames = torch.randn_like(like.transpose(0, 1).contiguous())  # (T, B, K, n)
        constant = self.constant[which] * torch.randn_like(frames[0])
        frames[1:] *= (1 - kept**2).sqrt()
        for before, frame in itertools.pairwise(frames):
            frame.addcmul_(before, kept)
        return frames.mul_(self.slow[which]).add_(constant).transpose(0, 1)

    def _spans(self, labels: Tensor, probability: float) -> Tensor:
        """(B, T), true in a part of some windows; a part may begin before its window or end after it."""
        frames = labels.shape[1]
        begin, length, chosen = torch.rand(3, len(labels), 1, device=labels.device)
        length = length * frames
        begin = begin * (frames + length) - length
        at = torch.arange(frames, device=labels.device)
        return (chosen < probability) & (at >= begin) & (at < begin + length)

    def _swapped(self, labels: Tensor, twins: list[int]) -> Tensor:
        if not self.swap:
            return labels
        return torch.where(self._spans(labels, self.swap)[..., None, None], labels[:, :, twins], labels)

    def _lost(self, labels: Tensor) -> Tensor:
        if not self.missing:
            return labels
        frames, joints = labels.shape[1:3]
        of_joints = torch.rand(len(labels), 1, joints, device=labels.device) < _LOST_JOINTS
        lost = self._spans(labels, self.missing)[..., None] & of_joints
        lost &= ~lost.all(dim=1, keepdim=True)  # nothing to interpolate between
        some = lost.any(dim=2).any(dim=1).nonzero()[:, 0]  # few windows lose joints
        lost, poses = lost[some], labels[some]
        at = torch.arange(frames, device=labels.device)[:, None].expand_as(lost)
        before = at.where(~lost, -1).cummax(dim=1).values
        after = at.where(~lost, frames).flip(1).cummin(dim=1).values.flip(1)
        first, last = before.where(before >= 0, after), after.where(after < frames, before)
        share = (at - first) / (last - first).clamp(min=1)
        found = [poses.gather(1, frame[..., None].expand_as(poses)) for frame in (first, last)]
        return labels.index_copy(0, some, torch.lerp(*found, share.clamp(0, 1)[..., None]))


def _bones_on_the_way(parents: Sequence[int]) -> Tensor:
    """(K, K): whether the bone that ends at joint j (column) is on the path from the root to joint i (row)."""
    roots = [joint for joint, parent in enumerate(parents) if parent in (joint, -1)]
    steps = torch.zeros(len(parents), len(parents))
    for joint, parent in enumerate(parents):
        if joint not in roots and 0 <= parent < len(parents):
            steps[joint, parent] = 1
    ways = torch.eye(len(parents))
    for _ in parents:
        ways = torch.eye(len(parents)) + steps @ ways
    if len(roots) != 1 or ways.max() > 1 or (ways[:, roots[0]] == 0).any():
        raise InputError(
            f'joint_parents of EstimatorNoise: expected a tree, one root that is its own parent, got {list(parents)}'
        )
    ways[:, roots[0]] = 0  # no bone ends at the root
    return ways
