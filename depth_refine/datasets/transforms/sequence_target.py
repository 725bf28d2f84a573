"""Normalised inputs and root-relative targets of windows."""

from mmpose.datasets.transforms import GenerateTarget
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class GenerateSequenceTarget(GenerateTarget):
    """MMPose's ``GenerateTarget`` for whole batches, if its codec takes them, as :class:`DepthSequenceLifting` does.

    Args:
        encoder: config of the codec.
    """

    @property
    def batched(self) -> bool:
        """Whether the codec takes batches, see :class:`DepthSequenceDataset`."""
        return getattr(self.encoder, 'batched', False)
