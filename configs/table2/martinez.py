# Martinez et al., "A simple yet effective baseline for 3d human pose estimation" (ICCV 2017): MMPose's network of
# single frames with its dropout, batch size and learning rate.
_base_ = ['../table1/2d_1.py']

model = dict(
    backbone=dict(
        _delete_=True,
        type='TCN',
        in_channels=17 * 2,
        stem_channels=1024,
        num_blocks=2,
        kernel_sizes=(1, 1, 1),
        dropout=0.5,
    ),
)
train_dataloader = dict(batch_size=64)
auto_scale_lr = dict(base_batch_size=64)

short = dict(
    _delete_=True,
    model=dict(backbone=dict(stem_channels=256), head=dict(in_channels=256)),
    train_dataloader=dict(num_workers=1, dataset=dict(frame_step=12)),
    param_scheduler=[dict(type='ExponentialLR', gamma=0.75)],
    train_cfg=dict(max_epochs=8),
    custom_hooks=[dict(type='SyncBuffersHook'), dict(type='BatchNormMomentumHook', start=0.1, end=0.02)],
)
