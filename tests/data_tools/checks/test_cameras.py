import re

import numpy as np
import pytest

from depth_refine.data_tools.checks.cameras import check_cameras
from depth_refine.data_tools.checks.findings import Findings
from depth_refine.datasets import load_cameras


@pytest.fixture
def cameras(data_root):
    return load_cameras(data_root / 'annotation_body3d/cameras.pkl')


def check(cameras):
    findings = Findings()
    check_cameras(cameras, 'cameras.pkl', findings)
    return findings


def test_good_cameras(cameras):
    assert check(cameras) == [('ok', 'cameras.pkl', '8 cameras of 2 subjects')]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c.update(R=c['R'] * 1.01), 'R is not a rotation'),
        (lambda c: c.update(R=c['R'] * [1, 1, -1]), 'R is not a rotation'),
        (lambda c: c.update(c=c['c'] * 10), 'the principal point .* lies outside the image'),
        (lambda c: c.update(w=0), 'the image size is 0 x 64'),
        (lambda c: c.update(id='60457274'), 'its id is 60457274: cameras are swapped'),
        (lambda c: c.update(k=c['k'] * np.nan), 'a number is not finite'),
    ],
)
def test_faults(cameras, change, message):
    change(cameras['S9', '55011271'])
    (finding,) = check(cameras)
    assert finding.kind == 'problem'
    assert re.match(rf"1 of 8 cameras, first \('S9', '55011271'\): {message}", finding.message)


def test_other_sizes_and_too_many(cameras):
    good = cameras['S1', '54138969']
    cameras.update({(f'X{index}', '1'): dict(good, id='1') for index in range(37)})
    real = dict(good, w=1000, f=good['f'] * 16, c=good['c'] * 15)
    cameras['S5', '54138969'], cameras['S5', '55011271'] = dict(real, h=1002), dict(real, h=1002, id='55011271')
    sizes, count, ok = check(cameras)
    expected = "image sizes other than Human3.6M's in 1 of 47, first ('S5', '55011271'): 1000 x 1002"
    assert sizes == ('note', 'cameras.pkl', expected)
    assert count == ('note', 'cameras.pkl', '47 cameras; Human3.6M has 44')
    assert ok.kind == 'ok'
