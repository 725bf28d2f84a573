import numpy as np
import pytest

from depth_refine.functional.camera import camera_to_world, project
from depth_refine.structures.camera import make_camera, nearest_camera, normalised_cameras
from depth_refine.utils.errors import InputError

QUARTER = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]  # a camera that looks along the world's x, with z up
NO_INTRINSICS = r'expected the intrinsics fx, fy, cx and cy in px, fx and fy above 0, .*, got \('
NO_EXTRINSICS = r'expected extrinsics with R \(3, 3\) and T \(3,\), got'


def test_given():
    camera, source = make_camera((97, 75), (80, 90, 40, 30))
    assert source == 'given' and (camera['w'], camera['h']) == (97, 75) and 'R' not in camera
    np.testing.assert_allclose(project(np.array([0.5, -0.2, 4]), camera), [40 + 80 / 8, 30 - 90 / 20])
    camera, _ = make_camera((97, 75), extrinsics=dict(R=QUARTER, T=[1, 2, 3]))
    np.testing.assert_allclose(camera_to_world(np.array([[0.0, 0, 5], [1, 0, 0]]), camera), [[6, 2, 3], [1, 1, 3]])


@pytest.mark.parametrize('size', [(97, 75), (75, 97)])
def test_assumed_and_said(size):
    camera, source = make_camera(size)
    np.testing.assert_allclose(project(np.array([1.0, -1, 2]), camera), [size[0] / 2 + 55.6295, size[1] / 2 - 55.6295])
    assert source.startswith('assumed: focal length 111 px, 1.147 times the longer side, and no lens distortion.')


@pytest.mark.parametrize(
    ('intrinsics', 'extrinsics', 'message'),
    [
        ((80, 90, 40), None, NO_INTRINSICS),
        ((0, 90, 40, 30), None, NO_INTRINSICS),
        ((80, np.nan, 40, 30), None, NO_INTRINSICS),
        ((50, 50, 960, 540), None, r'fx and fy of the intrinsics reaches .*; looks like millimetres or image w'),
        ((1324, 1324, 960, 1400), None, r'principal point .* 960 1400 px, lies outside the frames of 1920 x 1080 px'),
        (None, dict(R=QUARTER, T=[1, 2]), NO_EXTRINSICS),
        (None, [1, 2], NO_EXTRINSICS),
        (None, dict(R=np.diag([1, 1, -1]), T=[1, 2, 3]), r'expected a rotation as R of the extrinsics, got'),
        (None, dict(R=np.eye(3) * 2, T=[1, 2, 3]), r'expected a rotation as R of the extrinsics, got'),
    ],
)
def test_impossible(intrinsics, extrinsics, message):
    with pytest.raises(InputError, match=message):
        make_camera((1920, 1080), intrinsics, extrinsics)


def test_cameras_of_a_training():
    one, _ = make_camera((1000, 500), (800, 790, 480, 260, -0.2, 0.1, 0, 1e-3, 2e-3))
    other, _ = make_camera((72, 128), (147, 147, 36, 64))
    kept = normalised_cameras([other, one, other, dict(one)])
    assert kept == [
        dict(f=[0.8, 0.79], c=[0.48, 0.26], k=[-0.2, 0.1, 0.0], p=[0.001, 0.002], aspect=0.5),
        dict(f=[147 / 72] * 2, c=[0.5, 64 / 72], k=[0.0] * 3, p=[0.0] * 2, aspect=128 / 72),
    ]
    twice_as_large, _ = make_camera((144, 256), (294, 294, 72, 128))
    assert nearest_camera(twice_as_large, kept) == kept[1]
    assert normalised_cameras([one, dict(w=3, h=4)]) == [] == normalised_cameras([])
    many = normalised_cameras(dict(one, f=np.full((2, 1), f)) for f in range(500, 700))
    assert len(many) == 50 and many[0]['f'][0] == 0.5 and many[-1]['f'][0] == 0.696


def test_assumed_from_the_training():
    wide = dict(f=[0.7, 0.7], c=[0.4, 0.3], k=[0.0] * 3, p=[0.0] * 2, aspect=0.75)
    portrait = dict(wide, f=[2.0, 2.0], aspect=2.0)
    camera, source = make_camera((300, 400), cameras=[wide, portrait, portrait])
    assert camera['f'].ravel().tolist() == [400, 400] and camera['c'].ravel().tolist() == [150, 200]
    assert 'focal length 400 px, 1 times the longer side' in source
