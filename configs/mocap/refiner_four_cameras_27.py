# Only through cameras like Human3.6M's four, to measure what random ones contribute.
_base_ = ['refiner_27.py']
work_dir = 'work_dirs/mocap/refiner_four_cameras_27'

# the viewing directions of depth_refine/synthetic/cameras.py, towards the middle of the room
cameras = dict(
    yaw=[250.0, 110.0, 290.0, 64.0],
    pitch=(7.0, 1.0),
    roll=0.5,
    tilted=(0.0, 0.0),
    distance=(3.5, 6.5),
    off_axis=0.4,
    focal=(1.145, 1.149),
)
train_dataloader = dict(dataset=dict(cameras=cameras))
