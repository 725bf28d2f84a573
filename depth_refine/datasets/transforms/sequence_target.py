"""Normalised inputs and root-centred targets of windows, one by one or by the batch."""

from mmpose.datasets.transforms import GenerateTarget
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class GenerateSequenceTarget(GenerateTarget):
    """MMPose's ``GenerateTarget`` that can do whole batches, with codecs that can: :class:`DepthSequenceLifting`.

    Args:
        encoder: config of the codec.
    """

    def transform_batch(self, batch: dict) -> dict:
        """Encode B windows at once.

        Args:
            batch: ``keypoints`` (B, T, K, C) px and m, ``lifting_target`` (B, T', K, 3) m, ``lifting_target_visible``
                (B, T', K), ``image_size`` (B, 2) width and height px.

        Returns:
            The batch with what the codec's ``encode_batch`` adds, and its ``label_mapping_table``.
        """
        encoded = self.encoder.encode_batch(
            batch['keypoints'], batch['lifting_target'], batch['lifting_target_visible'], batch['image_size']
        )
        return dict(batch, **encoded, label_mapping_table=self.encoder.label_mapping_table)
