import numpy as np
import pytest

from depth_refine.functional.camera import project, world_to_camera
from depth_refine.synthetic.cameras import make_cameras
from depth_refine.utils.errors import InputError
from depth_refine.utils.h36m_facts import CAMERA_IDS


def crowd(radius):
    """Points of a person anywhere within a radius."""
    angle = np.linspace(0, 2 * np.pi, 17)
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return np.stack([np.column_stack([ring, np.full(17, z)]) for z in np.linspace(0, 1.9, 5)])


def test_calibration_is_like_human36m():
    cameras, others = (make_cameras('S7', index, 0, 64, crowd(1.2)) for index in (3, 4))
    assert list(cameras) == [('S7', name) for name in CAMERA_IDS]
    for key, camera in cameras.items():
        assert camera['id'] == key[1] and camera['w'] == camera['h'] == 64
        assert {name: camera[name].shape for name in 'Tfckp'} == dict(T=(3, 1), f=(2, 1), c=(2, 1), k=(3, 1), p=(2, 1))
        np.testing.assert_allclose(camera['R'].T @ camera['R'], np.eye(3), atol=1e-12)
        assert np.linalg.det(camera['R']) == pytest.approx(1)
        assert camera['f'] / 64 == pytest.approx(1.146, abs=0.01)
        assert camera['c'] / 64 == pytest.approx(0.512, abs=0.01)
        assert camera['k'].ravel() == pytest.approx([-0.2, 0.25, -0.003], rel=0.2)
        assert 1.4 < camera['T'][2, 0] < 1.7 and 4.5 < np.linalg.norm(camera['T'][:2]) < 6.5
        assert camera['R'][2, 1] < -0.9, "the camera's y axis points down"
        centre = project(world_to_camera(np.array([0, 0, 1.0]), camera), camera) / 64
        assert np.all(np.abs(centre - 0.5) < 0.06)
        assert not np.array_equal(camera['R'], others[key]['R'])
    azimuths = np.sort([np.arctan2(*camera['T'][1::-1, 0]) for camera in cameras.values()])
    assert np.diff(azimuths).min() > 0.4, 'they stand around the person'


@pytest.mark.parametrize(('radius', 'nearest', 'farthest'), [(0.5, 4.5, 5.3), (3.0, 5.3, 12.5)])
def test_everything_is_in_view_from_no_farther_than_needed(radius, nearest, farthest):
    for camera in make_cameras('S', 0, 0, 128, crowd(radius)).values():
        pixels = project(world_to_camera(crowd(radius), camera), camera)
        assert pixels.min() > 0 and pixels.max() < 127
        assert nearest < np.linalg.norm(camera['T'][:2]) < farthest


def test_motion_that_no_camera_sees_is_refused():
    with pytest.raises(InputError, match=r"motion of subject 'Bob' spreads over 40\.0 x 40\.0 m .* cut its clips"):
        make_cameras('Bob', 0, 0, 128, crowd(20))
