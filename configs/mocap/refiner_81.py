_base_ = ['refiner_27.py']
work_dir = 'work_dirs/mocap/refiner_81'

model = dict(backbone=dict(num_blocks=3))

train_dataloader = dict(dataset=dict(seq_len=81))
val_dataloader = dict(dataset=dict(seq_len=81))
test_dataloader = val_dataloader
