# The first stage at a size that trains on two CPU cores in minutes: ResNet-18, 96 px crops, 24 x 24 x 24 heatmaps.
_base_ = ['../integral_h36m.py']

data_root = 'data/synthetic/'
codec = dict(type='IntegralPose3D', input_size=(96, 96), depth_range=1.5)

model = dict(
    backbone=dict(depth=18, init_cfg=None),
    head=dict(in_channels=512, depth_bins=24, deconv_out_channels=(128, 128, 128), decoder=codec),
)

train_pipeline = [
    dict(type='LoadReadableImage'),
    dict(type='GetBBoxCenterScale', padding=1.0),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_prob=0.0, scale_factor=(0.75, 1.25), rotate_factor=30.0),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PhotometricDistortion'),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
test_pipeline = [
    dict(type='LoadReadableImage'),
    dict(type='GetBBoxCenterScale', padding=1.0),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs', meta_keys={{_base_.test_meta_keys}}),
]

train_dataloader = dict(
    batch_size=32, num_workers=2, dataset=dict(data_root=data_root, frame_step=3, pipeline=train_pipeline)
)
val_dataloader = dict(
    batch_size=64, num_workers=2, dataset=dict(data_root=data_root, frame_step=6, pipeline=test_pipeline)
)
test_dataloader = dict(
    batch_size=64, num_workers=2, dataset=dict(data_root=data_root, frame_step=1, pipeline=test_pipeline)
)

train_cfg = dict(max_epochs=8, val_interval=8)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=50),
    dict(type='MultiStepLR', milestones=[6, 7], gamma=0.1),
]
