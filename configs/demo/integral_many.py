# The first stage of the tables' short schedule: the demo's on some 200,000 training frames of many people.
_base_ = ['integral.py']

train_dataloader = dict(dataset=dict(frame_step=10))
train_cfg = dict(max_epochs=12)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, end=50),
    dict(type='CosineAnnealingLR', T_max=12, convert_to_iter_based=True),
]
