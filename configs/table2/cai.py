# Cai et al., "Exploiting spatial-temporal relationships for 3D pose estimation via graph convolutional networks" (ICCV
# 2019): a graph network over 7 frames, see SpatialTemporalGraphNet.
_base_ = ['../table1/2d_1.py']

model = dict(
    joint_tokens=True,
    backbone=dict(_delete_=True, type='SpatialTemporalGraphNet', in_channels=2, channels=128, dropout=0.25),
    head=dict(in_channels=17 * 128),
)
train_dataloader = dict(batch_size=256, dataset=dict(seq_len=7))
auto_scale_lr = dict(base_batch_size=256)
val_dataloader = dict(dataset=dict(seq_len=7))
test_dataloader = val_dataloader

short = dict(
    _delete_=True,
    model=dict(backbone=dict(channels=64, dropout=0.1), head=dict(in_channels=17 * 64)),
    train_dataloader=dict(batch_size=64, num_workers=1, dataset=dict(frame_step=12)),
    param_scheduler=[dict(type='ExponentialLR', gamma=0.75)],
    train_cfg=dict(max_epochs=8),
    custom_hooks=[dict(type='SyncBuffersHook'), dict(type='BatchNormMomentumHook', start=0.1, end=0.02)],
)
