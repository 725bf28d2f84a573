_base_ = ['refiner_2d_depth.py']

train_dataloader = dict(dataset=dict(input_source='gt2d+gtdepth'))
val_dataloader = dict(dataset=dict(input_source='gt2d+gtdepth'))
test_dataloader = val_dataloader
