# Seed, hooks and logs of every config; all else has MMEngine's defaults.
default_scope = 'mmpose'
custom_imports = dict(imports=['depth_refine'])
randomness = dict(seed=0)

default_hooks = dict(
    logger=dict(type='LoggerHook', interval=50),
    checkpoint=dict(type='WholeCheckpointHook', interval=1, max_keep_ckpts=2),
    dataset_meta=dict(type='DatasetMetaHook'),
    resume=dict(type='ResumeHook'),
    epoch_seed=dict(type='EpochSeedHook'),
    non_finite_guard=dict(type='NonFiniteGuardHook'),  # policy='skip' skips bad steps instead of stopping
    visualization=dict(type='DepthPoseVisualizationHook', enable=False),
)
custom_hooks = [dict(type='SyncBuffersHook')]
log_processor = dict(type='LogProcessor', window_size=50, num_digits=6)
visualizer = dict(type='PoseLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')])

train_cfg = dict(by_epoch=True)
val_cfg = dict()
test_cfg = dict()
