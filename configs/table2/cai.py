# Cai et al., "Exploiting spatial-temporal relationships for 3D pose estimation via graph convolutional networks" (ICCV
# 2019): a graph network over 7 frames, see SpatialTemporalGraphNet.
_base_ = ['../refiner_243.py']

model = dict(
    backbone=dict(
        _delete_=True,
        type='SpatialTemporalGraphNet',
        in_channels=2,
        channels=128,
        dropout=0.25,
        metainfo=dict(from_file='configs/_base_/datasets/h36m.py'),
        root=0,
    ),
    head=dict(in_channels=17 * 128),
)

train_dataloader = dict(
    batch_size=256, dataset=dict(input_source='2d', seq_len=7, pipeline={{_base_.clean_train_pipeline}})
)
val_dataloader = dict(dataset=dict(input_source='2d', seq_len=7))
test_dataloader = val_dataloader

auto_scale_lr = dict(base_batch_size=256)
