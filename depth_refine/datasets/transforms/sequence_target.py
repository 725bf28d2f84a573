"""Normalised inputs and root-relative targets of windows."""

from mmpose.datasets.transforms import GenerateTarget
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class GenerateSequenceTarget(GenerateTarget):
    """MMPose's ``GenerateTarget`` for whole batches, if its codec takes them, as :class:`DepthSequenceLifting` does.

    Args:
        encoder: config of the codec.

    Example:
        >>> import torch
        >>> from depth_refine.datasets.transforms import GenerateSequenceTarget
        >>> step = GenerateSequenceTarget(encoder=dict(type='DepthSequenceLifting', num_keypoints=17))
        >>> windows = torch.full((8, 27, 17, 2), 500.0)  # B, T, K; u and v px
        >>> camera = dict(w=torch.full((8,), 1000.0), h=torch.full((8,), 1000.0))
        >>> batch = dict(keypoints=windows, keypoints_visible=torch.ones(8, 27, 17), camera_param=camera)
        >>> step(batch)['keypoint_labels'].shape
        torch.Size([8, 27, 17, 2])
    """

    @property
    def batched(self) -> bool:
        """Whether the codec takes batches, see :class:`DepthSequenceDataset`."""
        return getattr(self.encoder, 'batched', False)
