"""Collation of training windows."""

import numpy as np
import torch
from mmengine.registry import FUNCTIONS
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample


@FUNCTIONS.register_module()
def merge_windows(batch: list[dict]) -> dict:
    """Merge B training samples into one, in place of ``PackPoseInputs`` and a collation of packed samples.

    Packing is the largest part of the time of making a sample, and every tensor that leaves a worker process costs a
    file descriptor and a mapping: mmengine's ``pseudo_collate``, which sends each sample alone, took some milliseconds
    a sample where making it took 0.2 ms.

    Args:
        batch: B results of a pipeline that ends with ``GenerateTarget`` and noise: ``keypoint_labels`` (T, K, C), and
            the labels (T', ...) that the codec's ``label_mapping_table`` names.

    Returns:
        ``inputs`` (B, T, K, C) and ``data_samples``, a list of one sample with ``gt_instance_labels`` (B * T', ...).
        MMPose's lifting heads, which concatenate the labels of all samples, read it alike. Everything else, which
        training does not use, is left out.
    """
    merged = PoseDataSample()
    merged.gt_instance_labels = InstanceData(
        **{
            packed_key: torch.from_numpy(np.concatenate([results[key] for results in batch]))
            for key, packed_key in batch[0]['label_mapping_table'].items()
            if key in batch[0]
        }
    )
    inputs = torch.from_numpy(np.stack([results['keypoint_labels'] for results in batch]))
    return dict(inputs=inputs, data_samples=[merged])
