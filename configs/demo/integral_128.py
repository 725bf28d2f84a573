# A first stage for real results that trains on two CPU cores in about an hour: ResNet-18 of half the channels, 128 px
# crops, 32 x 32 x 32 heatmaps. For 100 synthetic people and more.
_base_ = ['integral.py']

codec = dict(type='IntegralPose3D', input_size=(128, 128), depth_range=1.5)

model = dict(
    backbone=dict(
        base_channels=32,
        stem_channels=32,
        num_stages=4,
        strides=(1, 2, 2, 2),
        dilations=(1, 1, 1, 1),
        out_indices=(3,),
    ),
    head=dict(
        depth_bins=32,
        deconv_out_channels=(128, 128, 128),
        deconv_kernel_sizes=(4, 4, 4),
        decoder=codec,
    ),
)

train_pipeline = [
    dict(type='LoadReadableImage'),
    dict(type='GetBBoxCenterScale', padding=1.0),
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

train_dataloader = dict(batch_size=32, num_workers=1, dataset=dict(frame_step=1, pipeline=train_pipeline))
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))

train_cfg = dict(max_epochs=3, val_interval=1)
auto_scale_lr = dict(base_batch_size=32)
