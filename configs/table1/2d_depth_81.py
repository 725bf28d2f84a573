_base_ = ['2d_depth_243.py']

model = dict(backbone=dict(num_blocks=3))

train_dataloader = dict(dataset=dict(seq_len=81))
val_dataloader = dict(dataset=dict(seq_len=81))
test_dataloader = val_dataloader
