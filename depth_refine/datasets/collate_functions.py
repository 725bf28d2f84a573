"""Collate functions that merge a training batch into one sample.

MMEngine's collate functions keep one sample for each image or window, whose labels are tensors of their own. Each of
these is copied to a GPU by itself, and costs a file descriptor and a mapping when it leaves a worker process: some
milliseconds for a window that took 0.2 ms to make. Heads concatenate the labels of all samples, so MMPose's and ours
read a merged sample in the same way. What training does not use is left out.
"""

import numpy as np
import torch
from mmengine.dataset import default_collate
from mmengine.registry import FUNCTIONS
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from depth_refine.utils.errors import InputError


class MergedSample(PoseDataSample):
    """A sample whose ``gt_instance_labels`` are those of a whole batch."""

    def pin_memory(self) -> 'MergedSample':
        """Pin the labels as a data loader pins tensors: copies of pinned memory to a GPU do not block."""
        for name, values in self.gt_instance_labels.items():
            self.gt_instance_labels.set_field(values.pin_memory(), name)
        return self


@FUNCTIONS.register_module()
def merge_images(batch: list[dict]) -> dict:
    """Merge B packed training images into one sample.

    Args:
        batch: B results of a pipeline that ends with ``PackPoseInputs``: ``inputs`` (3, H, W), all of one size, and
            ``data_samples`` whose ``gt_instance_labels`` (1, ...) all have the same fields.

    Returns:
        ``inputs`` (B, 3, H, W) and ``data_samples``, a list of one sample with ``gt_instance_labels`` (B, ...). Its
        metainfo holds ``img_shape``, (H, W), and lists of the B values of ``img_path`` and ``id``.

    Example:
        In a config:

            train_dataloader = dict(collate_fn=dict(type='merge_images'))
    """
    inputs = default_collate([results['inputs'] for results in batch])
    samples = [results['data_samples'] for results in batch]
    names = {key: [sample.get(key) for sample in samples] for key in ('img_path', 'id') if key in samples[0]}
    labels = InstanceData.cat([sample.gt_instance_labels for sample in samples])
    return _merged(inputs, labels, dict(names, img_shape=tuple(inputs.shape[2:])))


@FUNCTIONS.register_module()
def merge_windows(batch: dict | list[dict]) -> dict:
    """Merge B training windows into one sample.

    It takes the place of ``PackPoseInputs``, which takes longer than making the windows.

    Args:
        batch: what :meth:`DepthSequenceDataset.__getitems__` gives after targets, flips and noise: tensors
            ``keypoint_labels`` (B, T, K, C), or (B, K * C, T) of a codec that reshapes, the labels (B, T', ...) that
            the codec's ``label_mapping_table`` names, and ``sample_idx``, B numbers. Or B samples, each with the same
            as arrays without the batch axis.

    Returns:
        ``inputs``, the labels of the keypoints, and ``data_samples``, a list of one sample with ``gt_instance_labels``
        (B * T', ...) and, in its metainfo, ``sample_idx`` (B,), the samples' indices in the data set.

    Raises:
        InputError: there are no labels, or they are packed.

    Example:
        In a config:

            train_dataloader = dict(collate_fn=dict(type='merge_windows'))
    """
    first = batch if isinstance(batch, dict) else batch[0]
    if not {'keypoint_labels', 'label_mapping_table'} <= first.keys():
        raise InputError(
            'merge_windows takes what GenerateSequenceTarget made, not packed: leave PackPoseInputs out of the '
            f"pipeline, or give the data loader collate_fn=dict(type='pseudo_collate'); got {sorted(first)}"
        )
    table = {key: name for key, name in first['label_mapping_table'].items() if key in first}
    if not isinstance(batch, dict):
        samples = batch
        batch = {key: torch.from_numpy(np.stack([s[key] for s in samples])) for key in ('keypoint_labels', *table)}
        batch['sample_idx'] = [sample['sample_idx'] for sample in samples]
    labels = InstanceData(**{name: batch[key].flatten(0, 1) for key, name in table.items()})
    return _merged(batch['keypoint_labels'], labels, dict(sample_idx=np.array(batch['sample_idx'])))


def _merged(inputs: torch.Tensor, labels: InstanceData, metainfo: dict) -> dict:
    return dict(inputs=inputs, data_samples=[MergedSample(metainfo=metainfo, gt_instance_labels=labels)])
