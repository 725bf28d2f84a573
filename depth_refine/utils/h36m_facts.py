"""Constants of Human3.6M as its owners distribute it."""

CAMERA_IDS = ('54138969', '55011271', '58860488', '60457274')
IMAGE_WIDTH = 1000  # px
IMAGE_HEIGHTS = dict(zip(CAMERA_IDS, (1002, 1000, 1000, 1002), strict=True))  # px
SPLITS = {'train': ('S1', 'S5', 'S6', 'S7', 'S8'), 'test': ('S9', 'S11')}
# Where the 17 joints are among the 32 of its files.
JOINTS_OF_32 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
# Frames with poses at 50 fps, over all actions and cameras, by subjects.
OFFICIAL_FRAMES = {
    ('S1',): 248_376,
    ('S5',): 396_316,
    ('S6',): 249_864,
    ('S7', 'S8'): 665_196,
    ('S9', 'S11'): 550_644,
}
# S11 Directions, of these: frames of each camera; the video of camera 54138969 is damaged.
S11_DIRECTIONS_FRAMES = 1825
