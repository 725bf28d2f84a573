"""Codec of the second stage: MMPose's video lifting codec plus a depth channel."""

import numpy as np
import torch
from mmpose.codecs import VideoPoseLifting
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from depth_refine.functional.camera import pixel_rays
from depth_refine.utils.arrays import as_given, as_tensor
from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number
from depth_refine.utils.units import DEPTH_RANGE, require_unit


@KEYPOINT_CODECS.register_module()
class DepthSequenceLifting(VideoPoseLifting):
    """Normalises sequences of (u px, v px[, depth m[, its std m]]), and makes their 3D targets root-relative.

    Shape key: ... any batch axes, T input frames, T' target frames, K joints, C input channels (2 to 4).

    2D is normalised in one of two ways:

    - ``image_width``, as in VideoPose3D and MMPose: by the image width to [-1, 1] about the image centre. The size of
      people then depends on the camera, so that poses are right for cameras like those of the training.
    - ``rays``: to x / z and y / z of the ray that meets the pixel, by the camera's focal length, principal point and
      lens distortion. One refiner then serves any camera.

    Depth is normalised by ``depth_range / 2`` to [-1, 1]; the target is relative to the root, metres, camera axes.
    The base class subtracts a 2-vector and so takes no depth, takes one sequence at a time, and adds weights of a
    trajectory.

    Args:
        num_keypoints: K.
        depth_range: the paper's D, metres.
        root_index: the root joint.
        normalisation: ``'image_width'`` or ``'rays'``.

    Raises:
        InputError: an argument is out of its range.

    Example:
        >>> import numpy as np
        >>> from depth_refine.codecs import DepthSequenceLifting
        >>> codec = DepthSequenceLifting(num_keypoints=2)
        >>> pose = np.array([[[500, 500, 0], [750, 250, 0.3]]])  # (T, K, 3): u px, v px, depth m
        >>> codec.encode(pose, camera_param=dict(w=1000, h=1000))['keypoint_labels'].round(3).tolist()
        [[[0.0, 0.0, 0.0], [0.5, -0.5, 0.4]]]
    """

    NORMALISATIONS = ('image_width', 'rays')

    batched = True  # see DepthSequenceDataset
    label_mapping_table = dict(
        lifting_target_label='lifting_target_label', lifting_target_weight='lifting_target_weight'
    )

    def __init__(
        self,
        num_keypoints: int = 17,
        depth_range: float = 1.5,
        root_index: int = 0,
        normalisation: str = 'image_width',
    ) -> None:
        require_number('root_index of DepthSequenceLifting', root_index, 0, num_keypoints - 1, whole=True)
        if normalisation not in self.NORMALISATIONS:
            raise InputError(
                f'unknown normalisation {normalisation!r} of DepthSequenceLifting: expected one of '
                f'{self.NORMALISATIONS}'
            )
        super().__init__(num_keypoints=num_keypoints, root_index=root_index, reshape_keypoints=False)
        self.normalisation = normalisation
        require_number('depth_range of DepthSequenceLifting', depth_range, 0)
        require_unit('depth_range of DepthSequenceLifting', depth_range, DEPTH_RANGE)
        self.depth_range = depth_range

    def encode(
        self,
        keypoints: np.ndarray | Tensor,
        keypoints_visible: np.ndarray | Tensor | None = None,
        lifting_target: np.ndarray | Tensor | None = None,
        lifting_target_visible: np.ndarray | Tensor | None = None,
        camera_param: dict | None = None,
    ) -> dict:
        """Normalise sequences, one or many.

        Args:
            keypoints: (..., T, K, C).
            keypoints_visible: ignored.
            lifting_target: (..., T', K, 3) camera-frame metres; None where there is no truth.
            lifting_target_visible: (..., T', K); all by default.
            camera_param: ``w`` and ``h``, the image size in pixels: numbers, or (...); for ``rays`` instead ``f`` and
                ``c`` and perhaps ``k`` and ``p``, see :mod:`depth_refine.functional.camera`: of one camera, or (B, n)
                of the B sequences.

        Returns:
            ``keypoint_labels`` (..., T, K, C), and of a target ``lifting_target_label`` (..., T', K, 3),
            ``lifting_target_weight`` (..., T', K), 1 where joint and root are visible, else 0, and ``target_root``
            (..., T', 3), what was subtracted; arrays or tensors, as they came.

        Raises:
            InputError: ``camera_param`` lacks what the normalisation needs, or there are other than K joints.
        """
        poses = as_tensor(keypoints)
        if poses.shape[-2] != self.num_keypoints:
            raise InputError(
                f'DepthSequenceLifting has num_keypoints={self.num_keypoints}, got poses of {poses.shape[-2]} joints'
            )
        normalise = self._by_rays if self.normalisation == 'rays' else self._by_image_width
        encoded = dict(keypoint_labels=as_given(normalise(poses, camera_param or {}), keypoints))
        if lifting_target is not None:
            target, (root,) = as_tensor(lifting_target), self.root_index
            weight = torch.ones(target.shape[:-1], dtype=torch.float32, device=target.device)
            if lifting_target_visible is not None:
                weight = (as_tensor(lifting_target_visible) > 0.5).float()
                weight = weight * weight[..., root : root + 1]  # nothing is known relative to an unknown root
            encoded.update(
                lifting_target_label=as_given(target - target[..., root : root + 1, :], lifting_target),
                lifting_target_weight=as_given(weight, lifting_target),
                target_root=as_given(target[..., root, :], lifting_target),
            )
        return encoded

    def decode(self, encoded: np.ndarray, target_root: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The network's poses, shifted so that their root is exactly at the origin.

        Args:
            encoded: (..., K, 3) metres.
            target_root: (..., 1, 3), added to the shifted poses if it is given.

        Returns:
            (..., K, 3) metres, and scores of 1 (..., K).
        """
        (root,) = self.root_index
        return super().decode(encoded - encoded[..., root : root + 1, :], target_root)

    def _by_image_width(self, poses: Tensor, camera_param: dict) -> Tensor:
        if not {'w', 'h'} <= camera_param.keys():
            raise InputError("DepthSequenceLifting needs camera_param with 'w' and 'h', the image size in pixels")
        width, height = (
            torch.as_tensor(camera_param[key], dtype=poses.dtype, device=poses.device) for key in ('w', 'h')
        )
        depth, zero, (joints, channels) = torch.full_like(width, 2 / self.depth_range), width * 0, poses.shape[-2:]
        scale = torch.stack([2 / width, 2 / width, depth, depth][:channels], dim=-1)
        shift = torch.stack([zero - 1, -height / width, zero, zero][:channels], dim=-1)
        # one pass over rows of K * C numbers: PyTorch is slow at broadcasting over a last axis of 3
        scale, shift = (values.tile(joints)[..., None, :] for values in (scale, shift))
        return torch.addcmul(shift, poses.flatten(-2), scale).view(poses.shape)

    def _by_rays(self, poses: Tensor, camera_param: dict) -> Tensor:
        if not {'f', 'c'} <= camera_param.keys():
            raise InputError(
                "DepthSequenceLifting with normalisation='rays' needs camera_param with 'f' and 'c', the focal length "
                f"and the principal point in pixels, got {sorted(camera_param)}: give the camera's, or normalise by "
                "'image_width'"
            )
        rays = pixel_rays(poses[..., :2], camera_param)
        return torch.cat([rays, poses[..., 2:] * (2 / self.depth_range)], dim=-1)
