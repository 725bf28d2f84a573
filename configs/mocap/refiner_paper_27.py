# With the paper's noise, σ = 0.1 on depth, alone.
_base_ = ['refiner_27.py']
work_dir = 'work_dirs/mocap/refiner_paper_27'

train_pipeline = [*{{_base_.clean_train_pipeline}}, dict(type='GaussianJointNoise', sigma_2d=0.0, sigma_depth=0.1)]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
