_base_ = ['refiner.py']

model = dict(backbone=dict(in_channels=17 * 2))

train_dataloader = dict(dataset=dict(input_source='gt2d', pipeline={{_base_.clean_train_pipeline}}))
val_dataloader = dict(dataset=dict(input_source='gt2d'))
test_dataloader = val_dataloader
