# Frames of Human3.6M for the first stage: every 5th for training, every 64th for evaluation (Sun et al.).
data_root = 'data/h36m/'
train_ann_file = 'annotation_body3d/fps50/h36m_train.npz'
test_ann_file = 'annotation_body3d/fps50/h36m_test.npz'

codec = dict(type='IntegralPose3D', input_size=(256, 256), depth_range=1.5)

test_meta_keys = (
    *('id', 'img_id', 'img_path', 'input_size', 'input_center', 'input_scale', 'flip_indices'),
    *('camera_param', 'sequence', 'subject', 'action', 'frame'),
)
train_pipeline = [
    dict(type='LoadReadableImage'),
    dict(type='GetBBoxCenterScale', padding=1.0),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_prob=0.0, scale_factor=(0.75, 1.25), rotate_factor=30.0),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='YOLOXHSVRandomAug'),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
test_pipeline = [
    dict(type='LoadReadableImage'),
    dict(type='GetBBoxCenterScale', padding=1.0),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs', meta_keys=test_meta_keys),
]

train_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='H36MImageDataset',
        data_root=data_root,
        ann_file=train_ann_file,
        frame_step=5,
        bbox_policy='annotation',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='H36MImageDataset',
        data_root=data_root,
        ann_file=test_ann_file,
        frame_step=64,
        bbox_policy='annotation',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='H36MPoseMetric', skip_list=['S11_Directions'])
test_evaluator = val_evaluator
