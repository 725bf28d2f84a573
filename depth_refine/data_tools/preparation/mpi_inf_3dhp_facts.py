"""Constants of MPI-INF-3DHP in its original form.

Frame rates, frame counts, camera sets and joints of the training set are from the utilities that come with it
(``mpii_get_sequence_info.m``, ``mpii_get_camera_set.m``, ``mpii_get_joint_set.m``); activities and counts of valid
frames are from those of the test set (``mpii_get_activity_name.m``, its README).
"""

from typing import NamedTuple

# Of the 14 cameras, numbered from 0: those at chest and knee height and two angled down, the utilities' set "vnect",
# which published results use; 11 to 13 are at the ceiling.
CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)

# The joints of the training set's files.
JOINT_NAMES = (
    *('spine3', 'spine4', 'spine2', 'spine', 'pelvis', 'neck', 'head', 'head_top'),
    *('left_clavicle', 'left_shoulder', 'left_elbow', 'left_wrist', 'left_hand'),
    *('right_clavicle', 'right_shoulder', 'right_elbow', 'right_wrist', 'right_hand'),
    *('left_hip', 'left_knee', 'left_ankle', 'left_foot', 'left_toe'),
    *('right_hip', 'right_knee', 'right_ankle', 'right_foot', 'right_toe'),
)


def _mirrored(name: str) -> str:
    side, _, joint = name.partition('_')
    return {'left': f'right_{joint}', 'right': f'left_{joint}'}.get(side, name)


MIRRORED_JOINTS = tuple(JOINT_NAMES.index(_mirrored(name)) for name in JOINT_NAMES)
# Indices among the 28 of the test set's 17 joints, which are MMPose's in its order: the utilities' set "relevant". They
# are head_top, neck, the right and the left arm, the right and the left leg, pelvis, spine, head.
JOINTS_OF_28 = (7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6)
ROOTS = {17: 14, 28: 4}  # the pelvis, by the number of joints


class Recording(NamedTuple):
    """A sequence of the training set."""

    frames: int  # in the videos; the annotation may have a few more
    rate: int  # frames a second


RECORDINGS = {
    ('S1', 'Seq1'): Recording(6416, 25),
    ('S1', 'Seq2'): Recording(12430, 50),
    ('S2', 'Seq1'): Recording(6502, 25),
    ('S2', 'Seq2'): Recording(6081, 25),
    ('S3', 'Seq1'): Recording(12488, 50),
    ('S3', 'Seq2'): Recording(12283, 50),
    ('S4', 'Seq1'): Recording(6171, 25),
    ('S4', 'Seq2'): Recording(6675, 25),
    ('S5', 'Seq1'): Recording(12820, 50),
    ('S5', 'Seq2'): Recording(12312, 50),
    ('S6', 'Seq1'): Recording(6188, 25),
    ('S6', 'Seq2'): Recording(6145, 25),
    ('S7', 'Seq1'): Recording(6239, 25),
    ('S7', 'Seq2'): Recording(6320, 25),
    ('S8', 'Seq1'): Recording(6468, 25),
    ('S8', 'Seq2'): Recording(6054, 25),
}
# Number of frames of the video that is shorter than its sequence.
SHORT_VIDEOS = {('S6', 'Seq2', 2): 3911}
# Frames, from 0, in which left and right are interchanged: the first one, and the first one after them.
INTERCHANGED = {('S4', 'Seq2'): (3759, 5853)}


class Benchmark(NamedTuple):
    """A sequence of the test set."""

    frames: int  # with an annotation; TS3 has one image more, TS4 two
    valid: int  # frames of these that are evaluated
    width: int  # px
    height: int


TEST_SETS = {
    'TS1': Benchmark(6151, 603, 2048, 2048),  # studio with a green screen
    'TS2': Benchmark(6080, 540, 2048, 2048),
    'TS3': Benchmark(5838, 505, 2048, 2048),  # studio without
    'TS4': Benchmark(6007, 553, 2048, 2048),
    'TS5': Benchmark(320, 276, 1920, 1080),  # outdoors
    'TS6': Benchmark(492, 452, 1920, 1080),
}
# The test set's frame rate is not documented. TS1 to TS4 are as long as the training set's recordings of 25 frames a
# second.
TEST_RATE = 25

ACTIVITIES = (
    *('Standing/Walking', 'Exercising', 'Sitting', 'Reaching/Crouching'),
    *('On The Floor', 'Sports', 'Miscellaneous'),
)  # of a test set's frames, numbered from 1

HELD_OUT_OF_28 = 'S8'  # the test set has no more than 17 joints
