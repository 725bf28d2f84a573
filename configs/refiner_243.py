# Stage 2 with a receptive field of 243 frames: W = 3, B = 4 (section II, "Second stage").
_base_ = ['_base_/default_runtime.py', '_base_/h36m_depth_sequences.py']

model = dict(
    type='DepthTemporalRefiner',
    backbone=dict(type='TemporalConvNet', in_channels=17 * 3, channels=1024, num_blocks=4, kernel_size=3, dropout=0.25),
    head=dict(type='TemporalPoseHead', in_channels=1024, num_joints=17, decoder={{_base_.codec}}),
    test_cfg=dict(flip_test=True),
)

# The schedule of Pavllo et al., since the paper gives none. Their epoch holds each of Human3.6M's 1,559,752 windows
# both
# plain and mirrored, ours one of the two at random. Their 80 epochs are therefore 160 here, 244 k steps of 1024
# windows,
# and their learning rate, x 0.95 an epoch, falls by the square root of that.
train_cfg = dict(max_epochs=160, val_interval=2)
default_hooks = dict(checkpoint=dict(save_best='h36m/MPJPE_mm', rule='less'))
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3, amsgrad=True, fused=True))
param_scheduler = [dict(type='ExponentialLR', gamma=0.95**0.5)]
auto_scale_lr = dict(base_batch_size=1024)
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='BatchNormMomentumHook', start=0.1, end=0.001)]
