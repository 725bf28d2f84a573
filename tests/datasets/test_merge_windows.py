import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS
from mmpose.datasets.transforms import PackPoseInputs
from mmpose.registry import DATASETS, MODELS

MODEL = dict(
    type='DepthTemporalRefiner',
    backbone=dict(type='TemporalConvNet', in_channels=34, channels=8, num_blocks=1, dropout=0.0),
    head=dict(type='TemporalPoseHead', in_channels=8),
)


def test_the_loss_is_that_of_separate_samples(data_root):
    dataset = DATASETS.build(
        dict(
            type='H36MDepthSequenceDataset',
            data_root=str(data_root),
            ann_file='annotation_body3d/fps50/h36m_train.npz',
            input_source='gt2d',
            seq_len=9,
            pipeline=[dict(type='GenerateSequenceTarget', encoder=dict(type='DepthSequenceLifting'))],
        )
    )
    items = [dataset[i] for i in range(0, 90, 10)]
    merged, separate = FUNCTIONS.get('merge_windows')(items), pseudo_collate([PackPoseInputs()(item) for item in items])
    assert merged['inputs'].shape == (9, 9, 17, 2) and len(merged['data_samples']) == 1
    labels = merged['data_samples'][0].gt_instance_labels
    assert labels.lifting_target_label.shape == (9, 17, 3)
    assert sorted(labels.keys()) == sorted(separate['data_samples'][0].gt_instance_labels.keys())
    for key, values in labels.items():
        expected = torch.cat([sample.gt_instance_labels[key] for sample in separate['data_samples']])
        torch.testing.assert_close(values, expected)
    torch.manual_seed(0)
    model = MODELS.build(MODEL).train()
    losses = [model(**batch, mode='loss')['loss_pose3d'] for batch in (merged, separate)]
    torch.testing.assert_close(losses[0], losses[1])
