# A first stage for real results that trains on two CPU cores in two hours: ResNet-18 of three quarters of the channels,
# 128 px crops, 32 x 32 x 32 heatmaps. For 250 synthetic people of a few frames.
_base_ = ['integral.py']

codec = dict(type='IntegralPose3D', input_size=(128, 128), depth_range=1.5)

model = dict(
    backbone=dict(
        base_channels=48,
        stem_channels=48,
        num_stages=4,
        strides=(1, 2, 2, 2),
        dilations=(1, 1, 1, 1),
        out_indices=(3,),
    ),
    head=dict(
        in_channels=384,
        depth_bins=32,
        deconv_out_channels=(128, 128, 128),
        deconv_kernel_sizes=(4, 4, 4),
        decoder=codec,
    ),
)

train_pipeline = [
    dict(type='LoadReadableImage'),
    dict(type='GetBBoxCenterScale', padding=1.0),
    dict(type='RandomBBoxTransform', shift_prob=0.0, scale_factor=(0.9, 1.1), rotate_factor=15.0),
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

train_dataloader = dict(batch_size=32, num_workers=1, dataset=dict(frame_step=2, pipeline=train_pipeline))
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))

train_cfg = dict(max_epochs=8, val_interval=1)
auto_scale_lr = dict(base_batch_size=32)
