"""Constants of Human3.6M as its owners distribute it."""

CAMERA_IDS = ('54138969', '55011271', '58860488', '60457274')
IMAGE_WIDTH = 1000  # px
IMAGE_HEIGHTS = dict(zip(CAMERA_IDS, (1002, 1000, 1000, 1002), strict=True))  # px
# Focal lengths and principal point, px; radial, then tangential distortion in the order of :mod:`.functional.camera`
# (VideoPose3D's constants have the two tangential numbers the other way round).
LENSES = {
    '54138969': dict(
        f=(1145.0494, 1143.7811),
        c=(512.541505, 515.451487),
        k=(-0.207098911, 0.247775183, -0.00307515035),
        p=(-0.00142447157, -0.000975698859),
    ),
    '55011271': dict(
        f=(1149.6757, 1147.59162),
        c=(508.848622, 508.064917),
        k=(-0.19421363, 0.240408539, 0.00681997559),
        p=(-0.0027408944, -0.00161902661),
    ),
    '58860488': dict(
        f=(1149.14072, 1148.79897),
        c=(519.815837, 501.402659),
        k=(-0.208338188, 0.255488007, -0.0024604975),
        p=(-0.000759999321, 0.00148438698),
    ),
    '60457274': dict(
        f=(1145.51134, 1144.77393),
        c=(514.968197, 501.882019),
        k=(-0.198384094, 0.218323676, -0.00894780704),
        p=(-0.001813362, -0.000587205583),
    ),
}
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
