# On true 2D and true depth, without noise.
_base_ = ['refiner_27.py']
work_dir = 'work_dirs/mocap/refiner_clean_27'

train_dataloader = dict(dataset=dict(pipeline={{_base_.clean_train_pipeline}}))
