# Frames of Human3.6M, every 5th for training and every 64th for evaluation (Sun et al.), and persons of COCO and MPII,
# which train the 2D part alone: half of each batch is Human3.6M, a quarter COCO, a quarter MPII.
data_root = 'data/h36m/'
train_ann_file = 'annotation_body3d/fps50/h36m_train.npz'
test_ann_file = 'annotation_body3d/fps50/h36m_test.npz'
bbox_policy = 'annotation'

codec = dict(type='IntegralPose3D', input_size=(256, 256), depth_range=1.5)

test_meta_keys = (
    *('id', 'img_id', 'img_path', 'input_size', 'input_center', 'input_scale', 'flip_indices', 'root_index'),
    *('camera_param', 'sequence', 'subject', 'action', 'frame', 'bbox_policy'),
)
# Human3.6M's box contains its margin; COCO's and MPII's get the usual one
h36m_box = dict(type='GetBBoxCenterScale', padding=1.0)
body_2d_box = dict(type='GetBBoxCenterScale', padding=1.25)
train_pipeline = [
    dict(type='LoadReadableImage'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_prob=0.0, scale_factor=(0.75, 1.25), rotate_factor=30.0),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='YOLOXHSVRandomAug'),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
h36m_train_pipeline = [h36m_box, *train_pipeline]
test_pipeline = [
    dict(type='LoadReadableImage'),
    h36m_box,
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs', meta_keys=test_meta_keys),
]

train_dataloader = dict(
    batch_size=128,  # a multiple of 4, the sum of source_ratio
    num_workers=8,
    sampler=dict(type='MultiSourceEpochSampler', source_ratio=[2, 1, 1]),
    collate_fn=dict(type='merge_images'),
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/h36m.py'),
        datasets=[
            dict(
                type='H36MImageDataset',
                data_root=data_root,
                ann_file=train_ann_file,
                frame_step=5,
                bbox_policy=bbox_policy,
                pipeline=[h36m_box],
            ),
            dict(
                type='CocoBodyDataset',
                data_root='data/coco/',
                ann_file='annotations/person_keypoints_train2017.json',
                data_prefix=dict(img='train2017/'),
                pipeline=[body_2d_box],
            ),
            dict(
                type='MpiiBodyDataset',
                data_root='data/mpii/',
                ann_file='annotations/mpii_train.json',
                data_prefix=dict(img='images/'),
                pipeline=[body_2d_box],
            ),
        ],
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    collate_fn=dict(type='default_collate'),  # images as one tensor, copied to a GPU at once
    dataset=dict(
        type='H36MImageDataset',
        data_root=data_root,
        ann_file=test_ann_file,
        frame_step=64,
        bbox_policy=bbox_policy,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='H36MPoseMetric')
test_evaluator = val_evaluator
