# Stage 1 on Human3.6M alone. An epoch is the same pass over its frames, in half as many batches.
_base_ = ['integral_h36m.py']

train_dataloader = dict(
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
    dataset=dict(
        _delete_=True,
        type='H36MImageDataset',
        data_root={{_base_.data_root}},
        ann_file={{_base_.train_ann_file}},
        frame_step=5,
        bbox_policy={{_base_.bbox_policy}},
        pipeline={{_base_.h36m_train_pipeline}},
    ),
)
