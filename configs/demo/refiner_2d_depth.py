_base_ = ['refiner.py']

train_dataloader = dict(dataset=dict(pipeline={{_base_.clean_train_pipeline}}))
