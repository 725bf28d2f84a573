_base_ = ['refiner_81.py']
work_dir = 'work_dirs/mpi_inf_3dhp/refiner_27'  # Human3.6M's config of the same name has another

model = dict(backbone=dict(num_blocks=2))

train_dataloader = dict(dataset=dict(seq_len=27))
val_dataloader = dict(dataset=dict(seq_len=27))
test_dataloader = val_dataloader
