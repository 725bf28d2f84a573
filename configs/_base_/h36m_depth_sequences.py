# Sequences of Human3.6M for the second stage: the first stage's predictions, read from its depth sequence stores.
data_root = 'data/h36m/'
train_ann_file = 'annotation_body3d/fps50/h36m_train.npz'
test_ann_file = 'annotation_body3d/fps50/h36m_test.npz'
bbox_policy = 'annotation'  # of the first stage that made the stores

codec = dict(type='DepthSequenceLifting', num_keypoints=17, depth_range=1.5)

# run on whole batches, which merge_windows packs
clean_train_pipeline = [
    dict(type='GenerateSequenceTarget', encoder=codec),
    dict(type='RandomSequenceFlip'),
]
train_pipeline = [*clean_train_pipeline, dict(type='GaussianJointNoise', sigma_2d=0.0, sigma_depth=0.1)]
test_meta_keys = (
    *('img_ids', 'target_img_path', 'frames', 'flip_indices', 'root_index'),
    *('camera_param', 'sequence', 'subject', 'action', 'bbox_policy'),
)
test_pipeline = [
    dict(type='GenerateSequenceTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=test_meta_keys),
]

train_dataloader = dict(
    batch_size=1024,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='merge_windows'),
    dataset=dict(
        type='H36MDepthSequenceDataset',
        data_root=data_root,
        ann_file=train_ann_file,
        input_source='2d+depth',
        depth_store='depth_sequences/integral_h36m/h36m_train',
        bbox_policy=bbox_policy,
        seq_len=243,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,  # videos differ in length
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='H36MDepthSequenceDataset',
        data_root=data_root,
        ann_file=test_ann_file,
        input_source='2d+depth',
        depth_store='depth_sequences/integral_h36m/h36m_test',
        bbox_policy=bbox_policy,
        seq_len=243,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='H36MPoseMetric')
test_evaluator = val_evaluator
