# Refines each frame from it and the 26 before it, for streams: the target is the last frame of its window.
_base_ = ['refiner_27.py']

model = dict(backbone=dict(causal=True))

train_dataloader = dict(dataset=dict(causal=True))
val_dataloader = dict(dataset=dict(causal=True))
test_dataloader = val_dataloader
