import re

import numpy as np
import pytest

from depth_refine.functional.camera import project
from depth_refine.structures.camera import make_camera
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.utils.errors import InputError

HD, UHD, UPRIGHT = (1920, 1080), (3840, 2160), (1080, 1920)
PHONE = 1324, 1324, 960, 540
LENS = 'opencv', -0.2, 0.1, 1e-3, -2e-3, 0.05
IN_A_ROW = r'expected the intrinsics fx, fy, cx and cy in px, fx and fy above 0, .*, got \['
IN_ORDER = r'expected the distortion as the name of an order and five numbers, opencv K1 K2 P1 P2 K3, or h36m K1 K2'
NO_LENS = r'the distortion of the intrinsics .*Are the coefficients in the order of their name'


@pytest.mark.parametrize(
    ('size', 'numbers', 'calibrated', 'expected'),
    [
        (HD, (2648, 2648, 1920, 1080), UHD, PHONE),
        (HD, (882.6667, 882.6667, 640, 360), (1280, 720), PHONE),
        (UPRIGHT, (883, 884, 360, 650), (720, 1280), (1324.5, 1326, 540, 975)),
        (HD, (993, 1324, 720, 540), (1440, 1080), PHONE),  # calibrated as stored, before pixels were made square
        (HD, (1324, 1324, 1500, 200), HD, (1324, 1324, 1500, 200)),  # cut out of larger frames
    ],
)
def test_rescaled(size, numbers, calibrated, expected):
    camera, source = make_camera(size, Intrinsics(numbers, LENS, calibrated))
    np.testing.assert_allclose([*camera['f'], *camera['c']], np.reshape(expected, (4, 1)), rtol=1e-6)
    rescaled = 'given for frames of {} x {} px, and rescaled to {} x {} px'.format(*calibrated, *size)
    cut_out = r'given; .*1500 200 px, is 31 % of the frame from its middle, as if it were cut out of a larger one'
    assert re.fullmatch(cut_out if calibrated == size else rescaled, source)


@pytest.mark.parametrize(
    ('size', 'numbers', 'message'),
    [
        (HD, (2648, 2648, 1920, 1080), r'1920 1080 px, is far from the middle .*, 960 540 px, as .* about 3840 x 2160'),
        (HD, (883, 883, 640, 360), r'about 1280 x 720 px\. Give the size .*--intrinsics-size W H.* size is 1920 1080$'),
        (
            UPRIGHT,
            PHONE,
            r'of 1920 x 1080 .*-size 1080 1920, in Python size=\(1080, 1920\)\. They are 1324 1324 540 960$',
        ),
        (UPRIGHT, Intrinsics(PHONE, ('opencv', -0.2, 0.1, 0, 0, 0)), '1324 1324 540 960$'),
        (
            UPRIGHT,
            Intrinsics(PHONE, ('opencv', -0.2, 0.1, 0, 1e-3, 0)),
            r' 960 with P1 0\.001 and P2 0 if they .*clockwise, otherwise 1324 .* with P1 -0\.001 and P2 0$',
        ),
        (UPRIGHT, (883, 883, 640, 360), 'about 1280 x 720 px'),
        (HD, (1324, 1324, 540, 960), 'they are of frames of 1080 x 1920 px'),  # cy and cx
        (HD, (1324, 960, 1324, 540), 'fx and fy .*, 1324 and 960 px, are not of the square pixels'),  # fx, cx, fy, cy
        (HD, (1324, 1324, 960, -1400), r'960 -1400 px, is far from the middle of the frames, 960 540 px\. Give'),
        (HD, (1324, 1324, 0.5, 0.5), r'0\.5 0\.5 px, .* looks like shares of their size: give it in pixels'),
        (
            HD,
            (28, 28, 960, 540),
            r'^the larger of fx and fy of the intrinsics reaches 28, .*; looks like millimetres or image w',
        ),
        (HD, Intrinsics((1324, 1324, 2000, 540), size=HD), r'2000 540 px, lies outside .* 1920 x 1080 px\. Is 1920 x'),
        (
            HD,
            Intrinsics((1324, 1324, 720, 540), size=(1440, 1080)),
            'another shape, so it shows a part .* --intrinsics-size 1920',
        ),
        (HD, Intrinsics((2648, 2648, 1920, 1080), size=HD), 'lies outside'),
        (
            HD,
            Intrinsics(PHONE, size=UPRIGHT),
            'not of frames of 1080 x 1920 px, but of 1920 x 1080 px, by .* exchanged$',
        ),
        (UPRIGHT, Intrinsics(PHONE, size=UPRIGHT), 'not of frames of 1080 x 1920 px, but of 1920 x 1080 px, by'),
        (
            HD,
            (*PHONE, -0.2, 0.1, 0, 0, 0),
            r'\. Distortion is apart: --distortion \(in Python distortion=\) opencv K1',
        ),
        (
            HD,
            Intrinsics(PHONE, size=UHD),
            '960 540 px, is far from the middle of the frames, 1920 1080 px, as if .*1920 x',
        ),
        (HD, PHONE[:3], IN_A_ROW),
        (HD, (0, *PHONE[1:]), IN_A_ROW),
        (HD, (1324, np.nan, 960, 540), 'expected the intrinsics .*nan'),
        (HD, [[1324, 0, 0], [0, 1324, 0], [960, 540, 1]], r'as matrix of the intrinsics, without skew and not transp'),
    ],
)
def test_of_other_frames(size, numbers, message):
    with pytest.raises(InputError, match=message):
        make_camera(size, numbers)


def test_rather_off_centre_is_said():
    _, source = make_camera(HD, (1324, 1324, 1056, 540))
    assert source.startswith('given; the principal point of the intrinsics, 1056 540 px, is 5 % of the frame from its')
    assert make_camera(HD, (1324, 1324, 1000, 560))[1] == 'given'


@pytest.mark.parametrize('clockwise', [True, False])
def test_turned(clockwise):
    """What is to be given in the place of numbers of frames that lie on their side sees joints where they are seen."""
    lying = Intrinsics((900, 905, 650, 350), LENS, (1280, 720))
    with pytest.raises(InputError) as error:
        make_camera((720, 1280), lying)
    said = str(error.value).split('They are ')[1].replace(' with P1', '').replace(' and P2', '')
    numbers = [float(word) for word in said.split(' if ' if clockwise else 'otherwise ')[not clockwise].split()]
    given = Intrinsics(numbers[:4], (*LENS[:3], *numbers[4:], LENS[-1]), (720, 1280))
    (upright, _), (lying, _) = make_camera((720, 1280), given), make_camera((1280, 720), lying)
    joints = np.random.default_rng(0).uniform([-1, -0.5, 4], [1, 0.5, 5], (30, 3))
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]) if clockwise else np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    u, v = project(joints, lying).T
    expected = np.stack([720 - v, u] if clockwise else [v, 1280 - u], axis=1)
    np.testing.assert_allclose(project(joints @ turn.T, upright), expected, atol=1e-2)


@pytest.mark.parametrize(
    ('distortion', 'message'),
    [
        (LENS[1:], IN_ORDER),
        (LENS[:5], IN_ORDER),  # four numbers may be of a fisheye model
        (('opencv', *[0.1] * 8), IN_ORDER),
        (('brown', 0, 0, 0, 0, 0), IN_ORDER),
        (('opencv', 'x', 0, 0, 0, 0), IN_ORDER),
        (
            ('h36m', 0.15, -0.4, 1e-3, 2e-3, 0.3),
            rf'has 0\.3 as P1 or P2, which are at most 0\.02 of real .*{NO_LENS[38:]}',
        ),
        (('opencv', 0.15, -0.4, 0.3, 1e-3, 2e-3), r'has 0\.3 as P1 or P2'),
        (
            ('opencv', -0.5, 0, 0, 0, 0),
            rf'folds over 721 px from the principal point, so that 3\d % of .*{NO_LENS[38:]}',
        ),
        (('opencv', 0.15, -0.9, 0, 0, 0), 'folds over 797 px'),
    ],
)
def test_no_lens(distortion, message):
    with pytest.raises(InputError, match=message):
        make_camera(HD, Intrinsics(PHONE, distortion))
