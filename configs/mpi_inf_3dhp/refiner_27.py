_base_ = ['refiner_81.py']
work_dir = 'work_dirs/mpi_inf_3dhp/refiner_27'  # not that of the config of this name for Human3.6M

model = dict(backbone=dict(num_blocks=2))

train_dataloader = dict(dataset=dict(seq_len=27))
val_dataloader = dict(dataset=dict(seq_len=27))
test_dataloader = val_dataloader
