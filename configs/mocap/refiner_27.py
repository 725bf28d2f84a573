# Stage 2 on motion alone, for per-frame estimators of any kind and any camera: 27 frames of 2D + depth. Minutes on 2
# cores; other files by --cfg-options train_dataloader.dataset.motion_file=... test_dataloader.dataset.motion_file=...
_base_ = ['../_base_/default_runtime.py', '../_base_/mocap_motion.py']
work_dir = 'work_dirs/mocap/refiner_27'  # Human3.6M's config of the same name has another

model = dict(
    type='DepthTemporalRefiner',
    backbone=dict(type='TemporalConvNet', in_channels=17 * 3, channels=256, num_blocks=2, kernel_size=3, dropout=0.1),
    head=dict(type='TemporalPoseHead', in_channels=256, num_joints=17, decoder={{_base_.codec}}),
    test_cfg=dict(flip_test=True),
)

# 8 passes over 53,000 windows are 1,664 steps
train_cfg = dict(max_epochs=8, val_interval=8)
default_hooks = dict(checkpoint=dict(save_best='pose3d/MPJPE_mm', rule='less'))
optim_wrapper = dict(optimizer=dict(type='Adam', lr=2e-3, amsgrad=True, fused=True))
param_scheduler = [dict(type='CosineAnnealingLR', eta_min=2e-5, convert_to_iter_based=True)]
auto_scale_lr = dict(base_batch_size=256)
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='BatchNormMomentumHook', start=0.1, end=0.02)]
