"""Collation of training windows."""

import numpy as np
import torch
from mmengine.registry import FUNCTIONS
from mmengine.structures import InstanceData

from .merged_sample import MergedSample


@FUNCTIONS.register_module()
def merge_windows(batch: dict | list[dict]) -> dict:
    """Merge B training samples into one, in place of ``PackPoseInputs`` and a collation of packed samples.

    Packing is the largest part of the time of making a sample, and every tensor that leaves a worker process costs a
    file descriptor and a mapping: mmengine's ``pseudo_collate``, which sends each sample alone, took some milliseconds
    a sample where making it took 0.2 ms.

    Args:
        batch: B results of a pipeline that ends with targets, flips and noise: ``keypoint_labels`` (T, K, C), and the
            labels (T', ...) that the codec's ``label_mapping_table`` names; and ``sample_idx``. Or the same as tensors
            with a batch axis in front, as :meth:`H36MDepthSequenceDataset.__getitems__` gives them.

    Returns:
        ``inputs`` (B, T, K, C) and ``data_samples``, a list of one sample with ``gt_instance_labels`` (B * T', ...) and
        ``sample_idx`` (B,), the data set's numbers of the samples, in its metainfo. MMPose's lifting heads, which
        concatenate the labels of all samples, read it alike. Everything else, which training does not use, is left out.
    """
    if isinstance(batch, list):
        keys = {'keypoint_labels', *batch[0]['label_mapping_table']} & set(batch[0])
        batch = {key: torch.from_numpy(np.stack([results[key] for results in batch])) for key in keys} | dict(
            label_mapping_table=batch[0]['label_mapping_table'], sample_idx=[results['sample_idx'] for results in batch]
        )
    merged = MergedSample(metainfo=dict(sample_idx=np.array(batch['sample_idx'])))
    merged.gt_instance_labels = InstanceData(
        **{
            packed_key: batch[key].flatten(0, 1)
            for key, packed_key in batch['label_mapping_table'].items()
            if key in batch
        }
    )
    return dict(inputs=batch['keypoint_labels'], data_samples=[merged])
