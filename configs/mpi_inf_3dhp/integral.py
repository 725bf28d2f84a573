# Stage 1 on MPI-INF-3DHP alone: the poses that its images show (annot3), every 5th frame at 25 frames a second.
_base_ = ['../integral_h36m_only.py']
work_dir = 'work_dirs/mpi_inf_3dhp/integral'

data_root = 'data/mpi_inf_3dhp/'
images = dict(
    type='DepthImageDataset',
    metainfo=dict(from_file='configs/_base_/datasets/mpi_inf_3dhp.py'),
    root='root',
    data_root=data_root,
)

train_dataloader = dict(
    dataset=dict(ann_file='annotation_body3d/fps25/mpi_inf_3dhp_train.npz', **images),
)
val_dataloader = dict(
    dataset=dict(ann_file='annotation_body3d/fps25/mpi_inf_3dhp_test.npz', frame_step=1, **images),
)
test_dataloader = val_dataloader

val_evaluator = dict(_delete_=True, type='MPIINF3DHPMetric')
test_evaluator = val_evaluator

# as many steps as on Human3.6M, whose epoch has almost twice as many frames
train_cfg = dict(max_epochs=43)
default_hooks = dict(checkpoint=dict(save_best='mpi_inf_3dhp/MPJPE_mm'))
param_scheduler = [dict(type='MultiStepLR', milestones=[39, 42], gamma=0.1)]
