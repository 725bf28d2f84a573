import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseModel
from mmpose.registry import DATASETS, MODELS
from torch.utils.data import Dataset


@MODELS.register_module()
class TinyModel(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)

    def forward(self, inputs, mode='tensor'):
        outputs = self.layer(torch.stack(inputs))
        return dict(loss=outputs.square().mean()) if mode == 'loss' else [outputs]


@DATASETS.register_module()
class TinyDataset(Dataset):
    """Of 8 samples, with all that a checkpoint may get of a data set."""

    metainfo = dict(
        sigmas=np.array([0.1, 0.2], np.float32),
        names=np.array(['hip', 'knee']),
        by_column=np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        big_endian=np.arange(3, dtype='>i4'),
        empty=np.zeros((0, 2)),
        scalar=np.array(3),
        flip_indices=(1, 0),
        nested=ConfigDict(weights=[np.ones(2)]),
    )

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return dict(inputs=torch.full((3,), float(index)))


@pytest.fixture(scope='session')
def tiny_training():

    def options(work_dir):
        loader = dict(batch_size=4, num_workers=0, dataset=dict(type='TinyDataset'))
        loader['sampler'] = dict(type='DefaultSampler')
        return dict(
            model=dict(type='TinyModel'),
            train_dataloader=loader,
            train_cfg=dict(by_epoch=True, max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            work_dir=str(work_dir),
            experiment_name=work_dir.name,
            default_scope='mmpose',
            log_level='ERROR',
        )

    return options
