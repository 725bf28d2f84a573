# Stage 2 on MPI-INF-3DHP's true 2D poses with a receptive field of 81 frames, that of most published results.
_base_ = ['../_base_/default_runtime.py', '../_base_/mpi_inf_3dhp_depth_sequences.py']
work_dir = 'work_dirs/mpi_inf_3dhp/refiner_81'  # Human3.6M's config of the same name has another

model = dict(
    type='DepthTemporalRefiner',
    backbone=dict(type='TemporalConvNet', in_channels=17 * 2, channels=1024, num_blocks=3, kernel_size=3, dropout=0.25),
    head=dict(type='TemporalPoseHead', in_channels=1024, num_joints=17, decoder={{_base_.codec}}),
    test_cfg=dict(flip_test=True),
)

# The schedule on Human3.6M, configs/refiner_243.py; an epoch holds 801,174 windows.
train_cfg = dict(max_epochs=160, val_interval=2)
default_hooks = dict(checkpoint=dict(save_best='mpi_inf_3dhp/MPJPE_mm', rule='less'))
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3, amsgrad=True, fused=True))
param_scheduler = [dict(type='ExponentialLR', gamma=0.95**0.5)]
auto_scale_lr = dict(base_batch_size=1024)
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='BatchNormMomentumHook', start=0.1, end=0.001)]
