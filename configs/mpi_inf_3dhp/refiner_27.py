_base_ = ['refiner_81.py']

model = dict(backbone=dict(num_blocks=2))

train_dataloader = dict(dataset=dict(seq_len=27))
val_dataloader = dict(dataset=dict(seq_len=27))
test_dataloader = val_dataloader
