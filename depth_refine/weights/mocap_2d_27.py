_base_ = ['mocap_27.py']

model = dict(backbone=dict(in_channels=34))
test_dataloader = dict(dataset=dict(input_source='gt2d'))
