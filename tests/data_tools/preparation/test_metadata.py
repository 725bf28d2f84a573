import re

import numpy as np
import pytest

from depth_refine.data_tools.preparation.metadata import read_cameras, read_takes
from depth_refine.utils.errors import InputError


@pytest.fixture
def path(official_h36m, tmp_path):
    path = tmp_path / 'metadata.xml'
    path.write_text((official_h36m / 'metadata.xml').read_text())
    return path


def change(path, pattern, replacement):
    text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.DOTALL)
    assert count == 1
    path.write_text(text)


def test_each_number_is_taken_from_its_place(path):
    change(path, r'<w0>.*</w0>', f'<w0>[{" ".join(str(number / 10) for number in range(300))}]</w0>')
    cameras = read_cameras(path)
    camera = cameras['S5', '58860488']  # the third camera, the fifth subject: 6 * (2 * 11 + 4) = 156
    np.testing.assert_allclose(camera['T'], np.array([[15.9], [16.0], [16.1]]) / 1000)
    np.testing.assert_allclose(camera['f'], [[28.2], [28.3]])  # 264 + 9 * 2
    np.testing.assert_allclose(camera['c'], [[28.4], [28.5]])
    np.testing.assert_allclose(camera['k'], [[28.6], [28.7], [28.8]])
    np.testing.assert_allclose(camera['p'], [[28.9], [29.0]])
    assert len(cameras) == 44 and (camera['id'], camera['name'], camera['w']) == ('58860488', 'camera3', 1000)
    heights = dict(zip(('54138969', '55011271', '58860488', '60457274'), (1002, 1000, 1000, 1002), strict=True))
    assert all(camera['h'] == heights[camera_id] for (_, camera_id), camera in cameras.items())


def test_angles_as_human36m_defines_them(path):
    angles = [0.3, -1.1, 2.0]
    numbers = [*map(str, angles), *re.search(r'<w0>\[(.*)\]</w0>', path.read_text())[1].split()[3:]]
    change(path, r'<w0>.*</w0>', f'<w0>[{" ".join(numbers)}]</w0>')
    x, y, z = -angles[0], angles[1], -angles[2]
    about_x = np.array([[1, 0, 0], [0, np.cos(x), np.sin(x)], [0, -np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), np.sin(z), 0], [-np.sin(z), np.cos(z), 0], [0, 0, 1]])
    np.testing.assert_allclose(read_cameras(path)['S1', '54138969']['R'].T, about_x @ about_y @ about_z, atol=1e-12)


def test_takes(path):
    takes = read_takes(path)
    assert list(takes) == [f'S{number}' for number in range(1, 12)]
    assert all(len(names) == 30 for names in takes.values())
    assert takes['S1'][:3] == ['Directions 1', 'Directions', 'Discussion 1'] and 'TakingPhoto 1' in takes['S1']
    assert 'Photo' in takes['S11'] and not any('_ALL' in name for names in takes.values() for name in names)
    change(path, '</mapping>', '<tr><td>17</td><td>1</td><td>Other</td></tr></mapping>')
    assert read_takes(path) == takes, 'rows after the actions are passed over'
    path.unlink()
    with pytest.raises(InputError, match=r'metadata.xml cannot be read: No such file'):
        read_takes(path)


@pytest.mark.parametrize(
    ('read', 'pattern', 'replacement', 'message'),
    [
        (read_cameras, '<dbcameras>.*</dbcameras>', '', r'metadata.xml has no <dbcameras> <index2id>: expected Human3'),
        (read_cameras, r'<w0>\[\S+ ', '<w0>[nan ', 'expected 300 finite numbers in <w0>, got 300'),
        (read_cameras, r'<w0>\[', '<w0>[one ', r'<w0> does not hold numbers alone \(could not convert'),
        (read_cameras, '<td>55011271</td>', '', r"expected the cameras \['54138969', .*\] in <index2id>, got \['541"),
        (read_cameras, '</metadata>', '', r'metadata.xml is not an XML file \(no element found.*\): copy it again'),
        (read_takes, '<mapping>.*</mapping>', '<mapping></mapping>', r'expected in <mapping> a row of subjects, then'),
        (read_takes, '<td>Eating</td></tr>', '</tr>', r'expected in <mapping> a row of subjects'),
    ],
)
def test_damaged(path, read, pattern, replacement, message):
    change(path, pattern, replacement)
    with pytest.raises(InputError, match=message):
        read(path)
