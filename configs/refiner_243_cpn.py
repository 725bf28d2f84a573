# Stage 2 on published 2D detections alone: CPN fine-tuned on Human3.6M, as in Pavllo et al.; no depth, so no noise.
_base_ = ['refiner_243.py']

model = dict(backbone=dict(in_channels=17 * 2))

train_dataloader = dict(
    dataset=dict(
        input_source='2d',
        depth_store='depth_sequences/cpn_ft_h36m_dbb/h36m_train',
        bbox_policy='published',
        pipeline={{_base_.clean_train_pipeline}},
    )
)
val_dataloader = dict(
    dataset=dict(input_source='2d', depth_store='depth_sequences/cpn_ft_h36m_dbb/h36m_test', bbox_policy='published')
)
test_dataloader = val_dataloader
