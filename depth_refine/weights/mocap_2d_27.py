custom_imports = dict(
    imports=[
        'depth_refine',
    ]
)
default_scope = 'mmpose'
model = dict(
    backbone=dict(channels=256, dropout=0.1, in_channels=34, kernel_size=3, num_blocks=2, type='TemporalConvNet'),
    head=dict(
        decoder=dict(depth_range=1.5, normalisation='rays', num_keypoints=17, type='DepthSequenceLifting'),
        in_channels=256,
        num_joints=17,
        type='TemporalPoseHead',
    ),
    test_cfg=dict(flip_test=True),
    type='DepthTemporalRefiner',
)
test_dataloader = dict(
    batch_size=1,
    dataset=dict(
        cameras=dict(
            distance=(
                2.0,
                12.0,
            )
        ),
        frame_rate=50,
        input_source='gt2d',
        metainfo=dict(from_file='configs/_base_/datasets/h36m.py'),
        motion_file='data/motion/test.npz',
        pipeline=[
            dict(
                encoder=dict(depth_range=1.5, normalisation='rays', num_keypoints=17, type='DepthSequenceLifting'),
                type='GenerateSequenceTarget',
            ),
            dict(
                meta_keys=(
                    'img_ids',
                    'target_img_path',
                    'frames',
                    'flip_indices',
                    'root_index',
                    'camera_param',
                    'sequence',
                    'subject',
                    'action',
                    'bbox_policy',
                ),
                type='PackPoseInputs',
            ),
        ],
        root='root',
        seq_len=27,
        test_mode=True,
        type='MotionDataset',
    ),
    num_workers=0,
    sampler=dict(round_up=False, shuffle=False, type='DefaultSampler'),
)
