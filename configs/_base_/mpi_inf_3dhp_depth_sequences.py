# Sequences of MPI-INF-3DHP for the second stage, at 25 frames a second: true 2D poses, as published results have them,
# and the poses of one body for all subjects (univ_annot3), which the owners evaluate. docs/mpi_inf_3dhp.md
data_root = 'data/mpi_inf_3dhp/'
train_ann_file = 'annotation_body3d/fps25/mpi_inf_3dhp_universal_train.npz'
test_ann_file = 'annotation_body3d/fps25/mpi_inf_3dhp_universal_test.npz'
metainfo = dict(from_file='configs/_base_/datasets/mpi_inf_3dhp.py')

# TS5 and TS6 have another lens: normalisation='rays' accounts for it, published results do not
codec = dict(type='DepthSequenceLifting', num_keypoints=17, depth_range=1.5, root_index=14)

# run on whole batches, which merge_windows packs
clean_train_pipeline = [
    dict(type='GenerateSequenceTarget', encoder=codec),
    dict(type='RandomSequenceFlip'),
]
noisy_train_pipeline = [*clean_train_pipeline, dict(type='GaussianJointNoise', sigma_2d=0.0, sigma_depth=0.1)]
test_pipeline = [
    dict(type='GenerateSequenceTarget', encoder=codec),
    dict(
        type='PackPoseInputs',
        meta_keys=(
            *('img_ids', 'target_img_path', 'flip_indices', 'root_index', 'frames'),
            *('camera_param', 'sequence', 'subject', 'action', 'bbox_policy'),
        ),
    ),
]

train_dataloader = dict(
    batch_size=1024,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='merge_windows'),
    dataset=dict(
        type='DepthSequenceDataset',
        metainfo=metainfo,
        root='root',
        data_root=data_root,
        ann_file=train_ann_file,
        input_source='gt2d',
        seq_len=81,
        pipeline=clean_train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,  # videos differ in length
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='DepthSequenceDataset',
        metainfo=metainfo,
        root='root',
        data_root=data_root,
        ann_file=test_ann_file,
        input_source='gt2d',
        seq_len=81,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='MPIINF3DHPMetric')
test_evaluator = val_evaluator
