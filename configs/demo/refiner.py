# The second stage on the demo's first stage: 27 frames, 256 channels.
_base_ = ['../refiner_243.py']

data_root = 'data/synthetic/'

# a quarter of the paper's channels needs less dropout, and a short schedule a larger learning rate
model = dict(backbone=dict(channels=256, num_blocks=2, dropout=0.1), head=dict(in_channels=256))

train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    dataset=dict(data_root=data_root, depth_store='depth_sequences/integral/h36m_train', seq_len=27, frame_step=3),
)
val_dataloader = dict(
    num_workers=1, dataset=dict(data_root=data_root, depth_store='depth_sequences/integral/h36m_test', seq_len=27)
)
test_dataloader = val_dataloader

val_evaluator = dict(skip_list=[])
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=8, val_interval=4)
auto_scale_lr = dict(base_batch_size=64)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [dict(type='ExponentialLR', gamma=0.75)]
# with the full schedule's last momentum, 0.001, statistics would hardly change in an epoch of 200 iterations
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='BatchNormMomentumHook', start=0.1, end=0.02)]
