_base_ = ['mmpose::_base_/default_runtime.py']

custom_imports = dict(imports=['depth_refine'])
randomness = dict(seed=0)

default_hooks = dict(
    checkpoint=dict(type='WholeCheckpointHook', interval=1, max_keep_ckpts=2, save_best='h36m/MPJPE_mm', rule='less'),
    epoch_seed=dict(type='EpochSeedHook'),
    non_finite_guard=dict(type='NonFiniteGuardHook'),  # policy='skip' leaves bad steps out instead of stopping
    visualization=dict(_delete_=True, type='DepthPoseVisualizationHook', enable=False),
)
