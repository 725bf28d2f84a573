_base_ = ['dstformer_2d_depth_27.py']

model = dict(backbone=dict(in_channels=2))

train_dataloader = dict(dataset=dict(input_source='2d', pipeline={{_base_.clean_train_pipeline}}))
val_dataloader = dict(dataset=dict(input_source='2d'))
test_dataloader = val_dataloader
