_base_ = ['refiner_27.py']
work_dir = 'work_dirs/mocap/refiner_1'

model = dict(backbone=dict(num_blocks=2, kernel_size=1))

train_dataloader = dict(dataset=dict(seq_len=1))
val_dataloader = dict(dataset=dict(seq_len=1))
test_dataloader = val_dataloader
