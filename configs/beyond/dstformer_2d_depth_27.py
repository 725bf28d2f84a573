# MMPose's DSTFormer (Zhu et al., "MotionBERT", ICCV 2023) instead of the convolutions, on clips of 27 frames; the
# optimiser is that of MMPose's own config.
_base_ = ['../refiner_27.py']

model = dict(
    backbone=dict(_delete_=True, type='DSTFormer', in_channels=3, feat_size=512, depth=5, mlp_ratio=2, seq_len=27),
    head=dict(
        _delete_=True,
        type='MotionRegressionHead',
        in_channels=512,
        embedding_size=512,
        loss=dict(type='MPJPELoss', use_target_weight=True),
        decoder={{_base_.codec}},
    ),
)

train_dataloader = dict(batch_size=32, dataset=dict(seq_len=1, clip_len=27))
val_dataloader = dict(dataset=dict(seq_len=1, clip_len=27))
test_dataloader = val_dataloader

auto_scale_lr = dict(base_batch_size=32)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=2e-4, weight_decay=0.01))
param_scheduler = [dict(type='ExponentialLR', gamma=0.99)]
