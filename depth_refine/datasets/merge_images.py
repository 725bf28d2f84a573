"""Collation of training images."""

from mmengine.dataset import default_collate
from mmengine.registry import FUNCTIONS
from mmengine.structures import InstanceData

from .merged_sample import MergedSample


@FUNCTIONS.register_module()
def merge_images(batch: list[dict]) -> dict:
    """Merge B packed training samples into one, so that a GPU gets a batch in a few copies.

    With a sample for each image, as mmengine's collations make them, every label is a copy of its own, for which a GPU
    waits, and costs a file descriptor and a mapping when it leaves a worker process.

    Args:
        batch: B results of a pipeline that ends with ``PackPoseInputs``: ``inputs`` (3, H, W), all of one size, and
            ``data_samples`` whose ``gt_instance_labels`` (1, ...) all have the same fields.

    Returns:
        ``inputs`` (B, 3, H, W) and ``data_samples``, a list of one sample with ``gt_instance_labels`` (B, ...); its
        metainfo holds ``img_shape``, (H, W), and of all samples the ``img_path`` and the ``id``, lists of B. Heads that
        concatenate the labels of all samples, as :class:`IntegralHead3D` does, read it alike. Everything else, which
        training does not use, is left out.
    """
    inputs = default_collate([results['inputs'] for results in batch])
    samples = [results['data_samples'] for results in batch]
    names = {key: [sample.get(key) for sample in samples] for key in ('img_path', 'id') if key in samples[0]}
    merged = MergedSample(metainfo=dict(names, img_shape=tuple(inputs.shape[2:])))
    merged.gt_instance_labels = InstanceData.cat([sample.gt_instance_labels for sample in samples])
    return dict(inputs=inputs, data_samples=[merged])
