# On 2D alone, for estimators that give no depth.
_base_ = ['refiner_27.py']
work_dir = 'work_dirs/mocap/refiner_2d_27'

model = dict(backbone=dict(in_channels=17 * 2))

train_dataloader = dict(dataset=dict(input_source='gt2d'))
val_dataloader = dict(dataset=dict(input_source='gt2d'))
test_dataloader = val_dataloader
