# Windows of motion seen through random cameras, with true 2D poses and depths, for the second stage. The files are
# described in docs/motion_files.md; the people of the test file must not be in the training file.
motion_file = 'data/motion/train.npz'
test_motion_file = 'data/motion/test.npz'
frame_rate = 50  # files of other rates are resampled
cameras = dict(distance=(2.0, 12.0))  # metres: a room, a sports ground

codec = dict(type='DepthSequenceLifting', num_keypoints=17, depth_range=1.5, normalisation='rays')
metainfo = dict(from_file='configs/_base_/datasets/h36m.py')

clean_train_pipeline = [
    dict(type='GenerateSequenceTarget', encoder=codec),
    dict(type='RandomSequenceFlip'),
]
# Errors of per-frame estimators, in round numbers from published sources; none was fitted to a video.
# Image: COCO's sigmas (OKS), the spread of people who mark joints, are 0.06 to 0.11 of a person's scale at wrists,
#   knees and hips, 50 to 90 mm of an adult; MediaPipe states that BlazePose and AlphaPose find 95 % to 97 % of joints
#   within a fifth of the torso, 100 mm (its guide, PCK@0.2): 25 mm for each axis altogether.
# Depth: poses of one image are off by about 100 mm on data that were not trained on (SPIN on 3DPW in MMHuman3D: 96 mm),
#   mostly in depth, wrists and ankles more than knees. Bones of 42 mm, slow and constant, add up to 60 mm at knees and
#   95 mm at wrists; tilt and scale make it 80 mm to 90 mm on average.
# How long errors last, and 15 mm from frame to frame, are of the size that BlazePose has (0.2 s), widely varied.
joint_parents = [0, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15]
noise = dict(
    type='EstimatorNoise',
    encoder=codec,
    joint_parents=joint_parents,
    frame_rate=frame_rate,
    white=(0.005, 0.015),
    slow=(0.015, 0.03),
    slow_seconds=(0.1, 0.5),
    constant=(0.02, 0.03),
    spread=0.4,
    scale=0.1,  # the estimator errs in the size of bodies
    tilt=6.0,  # the estimator takes the camera for horizontal: half of the cameras' pitch
    swap=0.05,
    missing=0.1,
)
train_pipeline = [*clean_train_pipeline, noise]
sigma_train_pipeline = [*clean_train_pipeline, dict(type='GaussianJointNoise', sigma_2d=0.0, sigma_depth=0.1)]
pack = dict(
    type='PackPoseInputs',
    meta_keys=(
        *('img_ids', 'target_img_path', 'frames', 'flip_indices', 'root_index'),
        *('camera_param', 'sequence', 'subject', 'action', 'bbox_policy'),
    ),
)
# validation has other people and the same noise; tests have no noise, since inference takes over their pipeline
val_pipeline = [clean_train_pipeline[0], dict(noise, in_tests=True), pack]
test_pipeline = [clean_train_pipeline[0], pack]

train_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='merge_windows'),
    dataset=dict(
        type='MotionDataset',
        metainfo=metainfo,
        root='root',
        motion_file=motion_file,
        seq_len=27,
        frame_rate=frame_rate,
        cameras=cameras,
        input_source='gt2d+gtdepth',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,  # clips differ in length
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='MotionDataset',
        metainfo=metainfo,
        root='root',
        motion_file=test_motion_file,
        seq_len=27,
        frame_rate=frame_rate,
        cameras=cameras,
        input_source='gt2d+gtdepth',
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
test_dataloader = dict(val_dataloader, dataset=dict(val_dataloader['dataset'], pipeline=test_pipeline))

val_evaluator = dict(type='DepthPoseMetric')
test_evaluator = val_evaluator
