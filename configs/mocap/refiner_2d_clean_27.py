# On true 2D alone, without noise.
_base_ = ['refiner_2d_27.py']
work_dir = 'work_dirs/mocap/refiner_2d_clean_27'

train_dataloader = dict(dataset=dict(pipeline={{_base_.clean_train_pipeline}}))
