# Martinez et al., "A simple yet effective baseline for 3d human pose estimation" (ICCV 2017): MMPose's network of
# single frames with its dropout, batch size and learning rate.
_base_ = ['../refiner_1.py']

model = dict(
    backbone=dict(
        _delete_=True,
        type='TCN',
        in_channels=17 * 2,
        stem_channels=1024,
        num_blocks=2,
        kernel_sizes=(1, 1, 1),
        dropout=0.5,
    ),
)

train_dataloader = dict(batch_size=64, dataset=dict(input_source='2d', pipeline={{_base_.clean_train_pipeline}}))
val_dataloader = dict(dataset=dict(input_source='2d'))
test_dataloader = val_dataloader

auto_scale_lr = dict(base_batch_size=64)
