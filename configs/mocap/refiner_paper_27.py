# With the paper's noise, σ = 0.1 on depth, alone.
_base_ = ['refiner_27.py']
work_dir = 'work_dirs/mocap/refiner_paper_27'

train_dataloader = dict(dataset=dict(pipeline={{_base_.paper_train_pipeline}}))
