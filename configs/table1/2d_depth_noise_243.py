# Table I, 2D + depth with noise. The other cells say only what differs from this one.
_base_ = ['../refiner_243.py']

# --schedule short: a quarter of the channels, which bear less dropout, fewer targets and a larger step
short = dict(
    model=dict(backbone=dict(channels=256, dropout=0.1), head=dict(in_channels=256)),
    train_dataloader=dict(batch_size=64, num_workers=1, dataset=dict(frame_step=12)),
    optim_wrapper=dict(optimizer=dict(lr=2e-3)),
    param_scheduler=[dict(type='ExponentialLR', gamma=0.75)],
    train_cfg=dict(max_epochs=8),
    # an epoch of 250 iterations does not renew statistics of the full schedule's last momentum, 0.001
    custom_hooks=[dict(type='SyncBuffersHook'), dict(type='BatchNormMomentumHook', start=0.1, end=0.02)],
)
