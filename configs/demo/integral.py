# The first stage at a size that trains on two CPU cores in minutes: ResNet-18 without its last stage, 64 px crops,
# two deconvolutions, 16 x 16 x 16 heatmaps. No flips: the synthetic people carry bands on their left side only. Milder
# augmentation than the full size's: so short a training has no time for more.
_base_ = ['../integral_h36m_only.py']

data_root = 'data/synthetic/'
codec = dict(type='IntegralPose3D', input_size=(64, 64), depth_range=1.5)

model = dict(
    backbone=dict(depth=18, num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1), out_indices=(2,), init_cfg=None),
    head=dict(
        in_channels=256,
        depth_bins=16,
        deconv_out_channels=(128, 128),
        deconv_kernel_sizes=(4, 4),
        decoder=codec,
    ),
    test_cfg=dict(flip_test=False),
)

train_pipeline = [
    dict(type='LoadReadableImage'),
    dict(type='GetBBoxCenterScale', padding=1.0),
    dict(type='RandomBBoxTransform', shift_prob=0.0, scale_factor=(0.9, 1.1), rotate_factor=15.0),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='YOLOXHSVRandomAug'),
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
    batch_size=16, num_workers=2, dataset=dict(data_root=data_root, frame_step=8, pipeline=train_pipeline)
)
val_dataloader = dict(
    batch_size=64, num_workers=2, dataset=dict(data_root=data_root, frame_step=20, pipeline=test_pipeline)
)
test_dataloader = dict(
    batch_size=64, num_workers=2, dataset=dict(data_root=data_root, frame_step=1, pipeline=test_pipeline)
)

val_evaluator = dict(skip_list=[])
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=8, val_interval=2)
auto_scale_lr = dict(base_batch_size=16)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, end=50),
    dict(type='CosineAnnealingLR', convert_to_iter_based=True),  # to the last epoch
]
