# Stage 1: integral regression of 3D heatmaps with ResNet-50 on Human3.6M, COCO and MPII (section II, "First stage").
_base_ = ['_base_/default_runtime.py', '_base_/h36m_coco_mpii_images.py']

model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
    ),
    backbone=dict(type='ResNet', depth=50, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')),
    head=dict(type='IntegralHead3D', in_channels=2048, num_joints=17, depth_bins=72, decoder={{_base_.codec}}),
    test_cfg=dict(flip_test=True),
)

# An epoch is one pass over Human3.6M's 312 k training frames beside as many persons of COCO and MPII: 624 k samples.
# About 22 of them hold as many samples as Sun et al.'s schedule: 300 epochs, each of MPII's 22 k persons and as many
# frames of Human3.6M; their learning rate drops after 90 % and 97 %.
train_cfg = dict(max_epochs=22, val_interval=1)
default_hooks = dict(checkpoint=dict(save_best='h36m/MPJPE_mm', rule='less'))
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3, fused=True))
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='ChannelsLastHook')]
param_scheduler = [dict(type='MultiStepLR', milestones=[20, 21], gamma=0.1)]
auto_scale_lr = dict(base_batch_size=128)
