import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch.utils.data._utils.pin_memory import pin_memory

from depth_refine.datasets import merge_images, merge_windows


def windows():
    results = dict(keypoint_labels=torch.zeros(2, 9, 17, 3), lifting_target_label=torch.ones(2, 1, 17, 3))
    return merge_windows(
        dict(results, label_mapping_table=dict(lifting_target_label='lifting_target_label'), sample_idx=[0, 1])
    )


def images():
    sample = PoseDataSample(gt_instance_labels=InstanceData(keypoint_labels=torch.ones(1, 17, 3)))
    return merge_images(2 * [dict(inputs=torch.zeros(3, 8, 8), data_samples=sample)])


@pytest.mark.parametrize('make', [windows, images])
def test_a_loader_pins_inputs_and_labels(make, monkeypatch):
    monkeypatch.setattr(torch.Tensor, 'pin_memory', lambda tensor, *_: tensor + 5)  # in place of what needs a GPU
    batch = pin_memory(make())
    (labels,) = [sample.gt_instance_labels for sample in batch['data_samples']]
    assert (batch['inputs'] == 5).all() and all((values == 6).all() for values in labels.values())
    assert len(labels.keys()) == 1 and len(labels) == 2
