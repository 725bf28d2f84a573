# Losses on bone lengths and velocities in addition to the paper's, on clips of 27 frames.
_base_ = ['../refiner_27.py']

model = dict(
    backbone=dict(train_on_clips=True),
    head=dict(
        loss=[
            # MPJPE, scaled MPJPE and the error of velocities, m a frame
            dict(name='velocity', type='MPJPEVelocityJointLoss', lambda_scale=0.0, lambda_3d_velocity=2.0),
            dict(
                name='bone',
                type='BoneLoss',
                joint_parents=[0, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15],
                use_target_weight=True,
                loss_weight=0.1,
            ),
        ]
    ),
)
train_dataloader = dict(batch_size=64, dataset=dict(clip_len=27))
auto_scale_lr = dict(base_batch_size=64)
