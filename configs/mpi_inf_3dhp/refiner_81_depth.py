# Stage 2 on the predictions of integral.py: 2D poses and depths, from its depth sequence stores.
_base_ = ['refiner_81.py']
work_dir = 'work_dirs/mpi_inf_3dhp/refiner_81_depth'

model = dict(backbone=dict(in_channels=17 * 3))

train_dataloader = dict(
    dataset=dict(
        input_source='2d+depth',
        depth_store='depth_sequences/integral/mpi_inf_3dhp_universal_train',
        bbox_policy='annotation',
        pipeline={{_base_.noisy_train_pipeline}},
    )
)
val_dataloader = dict(
    dataset=dict(
        input_source='2d+depth',
        depth_store='depth_sequences/integral/mpi_inf_3dhp_universal_test',
        bbox_policy='annotation',
    )
)
test_dataloader = val_dataloader
