# With the paper's noise alone, σ = 0.1 on depth.
_base_ = ['refiner_27.py']
work_dir = 'work_dirs/mocap/refiner_sigma_27'

train_dataloader = dict(dataset=dict(pipeline={{_base_.sigma_train_pipeline}}))
