# Noise as large as the first stage is unsure, and correlated over time, in place of the paper's. With these numbers it
# is as large and as correlated (0.7 between frames 27 apart) as the demo's first stage errs on new subjects.
_base_ = ['../table1/2d_depth_noise_27.py']

noise = dict(type='FirstStageNoise', scale=0.3, correlation=0.985)
mirror = dict(center_mode='static', center_x=0.0)
train_pipeline = [
    dict(type='GenerateTarget', encoder={{_base_.codec}}),
    dict(type='RandomFlipAroundRoot', keypoints_flip_cfg=mirror, target_flip_cfg=mirror, flip_label=True),
    noise,
]
test_pipeline = [
    dict(type='GenerateTarget', encoder={{_base_.codec}}),
    noise,
    dict(
        type='PackPoseInputs',
        meta_keys=(
            *('img_ids', 'target_img_path', 'flip_indices'),
            *('camera_param', 'sequence', 'subject', 'action', 'bbox_policy'),
        ),
    ),
]

train_dataloader = dict(dataset=dict(input_source='2d+depth+std', pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(input_source='2d+depth+std', pipeline=test_pipeline))
test_dataloader = val_dataloader
