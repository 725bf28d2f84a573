# The first stage's uncertainty of each depth as a fourth input channel, with the paper's noise.
_base_ = ['../refiner_27.py']

model = dict(backbone=dict(in_channels=17 * 4))

train_dataloader = dict(dataset=dict(input_source='2d+depth+std'))
val_dataloader = dict(dataset=dict(input_source='2d+depth+std'))
test_dataloader = val_dataloader
