import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch import nn

from depth_refine.datasets import merge_images, merge_windows
from depth_refine.engine.step_diagnosis import diagnose, sample_names

LOSSES = [dict(loss=torch.tensor(np.nan), loss_a=torch.tensor(0.5), loss_b=torch.tensor(np.nan))]


class Windows:
    def sample_name(self, index):
        return f'S1_Eating.1, frame {index + 1}'


def merged(**labels):
    """Windows 7, 0 and 41 of 5 frames, with 2 targets each."""
    labels['label_mapping_table'] = {name: name for name in labels}
    return merge_windows(dict(keypoint_labels=torch.zeros(3, 5, 17, 2), sample_idx=[7, 0, 41], **labels))


def packed(**info):
    samples = []
    for index in range(2):
        sample = PoseDataSample(metainfo={key: values[index] for key, values in info.items()})
        sample.gt_instance_labels = InstanceData(keypoint_labels=torch.zeros(1, 17, 3))
        samples.append(sample)
    return dict(inputs=[torch.zeros(3, 6, 4, dtype=torch.uint8)] * 2, data_samples=samples)


def images(**info):
    """The same, merged."""
    batch = packed(**info)
    return merge_images([dict(inputs=i, data_samples=s) for i, s in zip(*batch.values(), strict=True)])


PATHS = dict(img_path=['a.jpg', 'b.jpg'])


@pytest.mark.parametrize(
    ('batch', 'names'),
    [
        (merged(), ['S1_Eating.1, frame 8', 'S1_Eating.1, frame 1', 'S1_Eating.1, frame 42']),
        (packed(sample_idx=[3, 5]), ['S1_Eating.1, frame 4', 'S1_Eating.1, frame 6']),
        (packed(**PATHS, id=[8, 9], sample_idx=[3, 5]), ['a.jpg (id 8)', 'b.jpg (id 9)']),
        (images(**PATHS, id=[8, 9]), ['a.jpg (id 8)', 'b.jpg (id 9)']),
        (images(**PATHS), ['a.jpg (id unknown)', 'b.jpg (id unknown)']),
        (images(), ['sample 0 of the batch', 'sample 1 of the batch']),
    ],
)
def test_names(batch, names):
    assert sample_names(batch, Windows()) == names


def test_numbers_far_outside_their_range():
    batch = packed(**PATHS, id=[8, 9])
    batch['data_samples'][1].gt_instance_labels.keypoint_labels[0, 3, 2] = -412
    text = diagnose([batch], LOSSES, nn.Linear(2, 2), Windows())
    assert text.endswith(
        'Bad input: keypoint_labels of b.jpg (id 9) reaches 412 where about 1 is expected, as pixels or millimetres do.'
    )


def test_three_faults_are_listed_and_the_others_counted():
    """Each label of a merged batch belongs to its window."""
    target = torch.zeros(3, 2, 17, 3)
    target[1, 1, 16, 2] = -torch.inf
    text = diagnose([merged(a=target, b=torch.full((3, 2), torch.nan))], LOSSES, None, Windows())
    fault = 'a of S1_Eating.1, frame 1 holds -inf at [1, 16, 2] of [2, 17, 3], 1 such numbers; b of '
    assert text.startswith(f'loss_b is nan. Bad input: {fault}')
    assert text.count(' holds nan at ') == 2 and text.endswith(' and 1 more.')


def test_divergence_names_the_largest_weight_and_the_first_bad_gradients():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    with torch.no_grad():
        model[1].weight[0, 1] = -2e9
    model[0].bias.grad = torch.tensor([0.0, torch.nan, 0.0])
    model[1].bias.grad = torch.zeros(2)
    finite = [dict(loss=torch.tensor(1.0))]
    text = diagnose([merged()], finite, model, Windows())
    assert text.startswith('the loss is finite, its gradient is not. All inputs are finite (3 samples: S1_Eating.1, ')
    assert 'Its largest weight is 2e+09 in 1.weight; the gradient is not finite in 0.bias. Lower' in text
    with torch.no_grad():
        model[0].weight[1, 1] = torch.nan
    assert 'Its largest weight is nan in 0.weight' in diagnose([merged()], finite, model, Windows())
