_base_ = ['refiner.py']

train_dataloader = dict(dataset=dict(input_source='gt2d+gtdepth', pipeline={{_base_.clean_train_pipeline}}))
val_dataloader = dict(dataset=dict(input_source='gt2d+gtdepth'))
test_dataloader = val_dataloader
