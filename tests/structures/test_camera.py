import re

import numpy as np
import pytest

from depth_refine.functional.camera import camera_to_world, project
from depth_refine.structures.camera import make_camera, nearest_camera, normalised_cameras
from depth_refine.structures.intrinsics import Intrinsics
from depth_refine.utils.errors import InputError

QUARTER = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]  # a camera that looks along the world's x, with z up
NO_EXTRINSICS = r'expected extrinsics with R \(3, 3\) and T \(3,\)'


def test_given():
    camera, source = make_camera((97, 75), (80, 90, 48, 37))
    assert source == 'given' and (camera['w'], camera['h']) == (97, 75) and 'R' not in camera
    np.testing.assert_allclose(project(np.array([0.5, -0.2, 4]), camera), [48 + 80 / 8, 37 - 90 / 20])
    for matrix in ([[80, 0, 48], [0, 90, 37], [0, 0, 1]], np.array([80, 90, 48, 37])):
        assert make_camera((97, 75), matrix)[0]['f'].ravel().tolist() == [80, 90]
    camera, _ = make_camera((97, 75), extrinsics=dict(R=QUARTER, T=[1, 2, 3]))
    np.testing.assert_allclose(camera_to_world(np.array([[0.0, 0, 5], [1, 0, 0]]), camera), [[6, 2, 3], [1, 1, 3]])


@pytest.mark.parametrize('size', [(97, 75), (75, 97)])
def test_assumed_and_said(size):
    camera, source = make_camera(size)
    np.testing.assert_allclose(project(np.array([1.0, -1, 2]), camera), [size[0] / 2 + 55.6295, size[1] / 2 - 55.6295])
    assert source.startswith('assumed: focal length 111 px, 1.147 times the longer side, and no lens distortion.')


@pytest.mark.parametrize(
    ('extrinsics', 'message'),
    [
        (dict(R=QUARTER, T=[1, 2]), NO_EXTRINSICS),
        ([1, 2], NO_EXTRINSICS),
        (dict(R=QUARTER, t=[1, 2, 3]), rf"{NO_EXTRINSICS}.*OpenCV's R and t these are R\.T and -R\.T @ t"),
        (dict(R=np.ravel(QUARTER), T=[1, 2, 3]), NO_EXTRINSICS),
        (dict(R=QUARTER, T=[1, 2, 3], unit='mm'), NO_EXTRINSICS),
        (
            dict(R=QUARTER, T=[1000, 2000, 1500]),
            'T of the .* reaches 2000, .*millimetres: divide by 1000; or centimetres: divide',
        ),
        (dict(R=QUARTER, T=[1, 2, np.nan]), 'expected numbers as T of the extrinsics'),
        (dict(R=np.diag([1, 1, -1]), T=[1, 2, 3]), r'expected a rotation as R of the extrinsics, got'),
        (dict(R=np.eye(3) * 2, T=[1, 2, 3]), r'expected a rotation as R of the extrinsics, got'),
    ],
)
def test_impossible(extrinsics, message):
    with pytest.raises(InputError, match=message):
        make_camera((1920, 1080), extrinsics=extrinsics)


@pytest.mark.parametrize(
    ('rotation', 'said'),
    [
        (QUARTER, r'looks towards 1\.00 0\.00 0\.00, and up in the image is 0\.00 0\.00 1\.00\.$'),
        (
            np.transpose(QUARTER),
            r"looks towards 0\.00 -1\.00 0\.00, and up in the image is 1\.00 0.* The world's z is not up",
        ),
        (np.eye(3), r"looks towards 0\.00 0\.00 1\.00, .*The world's z is not up"),
        (np.diag([1, -1, -1]), r'looks towards 0\.00 0\.00 -1\.00, and up in the image is 0\.00 1\.00 0\.00\.$'),
    ],
    ids=['right', 'transposed', "the camera's own axes", 'straight down'],
)
def test_where_extrinsics_put_a_camera(rotation, said):
    _, source = make_camera((1920, 1080), (1324, 1324, 960, 540), dict(R=rotation, T=[1, -2, 1.5]))
    assert re.match(rf'given\. In the world it is at 1\.00 -2\.00 1\.50 m, 1\.50 m above z = 0, {said}', source), source


def test_cameras_of_a_training():
    one, _ = make_camera((1000, 500), Intrinsics((800, 790, 480, 260), ('h36m', -0.2, 0.1, 0, 1e-3, 2e-3)))
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
