_base_ = ['2d_depth_noise_243.py']

train_dataloader = dict(dataset=dict(pipeline={{_base_.clean_train_pipeline}}))
