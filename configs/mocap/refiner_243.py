_base_ = ['refiner_27.py']
work_dir = 'work_dirs/mocap/refiner_243'

model = dict(backbone=dict(num_blocks=4))

train_dataloader = dict(dataset=dict(seq_len=243))
val_dataloader = dict(dataset=dict(seq_len=243))
test_dataloader = val_dataloader
