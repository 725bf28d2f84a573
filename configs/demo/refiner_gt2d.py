_base_ = ['refiner_2d_depth.py']

model = dict(backbone=dict(in_channels=17 * 2))

train_dataloader = dict(dataset=dict(input_source='gt2d'))
val_dataloader = dict(dataset=dict(input_source='gt2d'))
test_dataloader = val_dataloader
