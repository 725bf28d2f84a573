"""The report's text and data; tests/untrusted/test_reports.py has names that try to run as code."""

import base64
import html
import json
import re

import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.visualization import write_report
from depth_refine.visualization.report.report import error_rows


@pytest.fixture
def write(video_poses, video_frames, tmp_path):
    """A function that writes the report; returns it without scripts and styles, its text alone, and all of it."""

    def write(with_video=False):
        path = tmp_path / 'out' / 'report.html'
        write_report(video_poses, video_frames if with_video else None, path)
        assert [file.name for file in path.parent.iterdir()] == ['report.html']
        report = path.read_text(encoding='utf-8')
        elements = re.sub(r'(?s)<(script|style)\b.*?</\1>', '', report)
        return elements, ' '.join(html.unescape(re.sub('<[^>]+>', ' ', elements)).split()), report

    return write


def test_facts_errors_and_data_for_the_scripts(write, video_poses):
    _, text, report = write()
    for fact in ('walk.mp4', '97 × 62 px', '12 frames, 0.59 s', '20.37 frames/s', '2 people', 'assumed, 55° wide'):
        assert fact in text
    assert 'Frames are 40 and 60 ms apart.' in text
    assert 'MPJPE (mm) PA-MPJPE (mm) Acceleration (mm/frame²)' in text
    assert re.search(r' 0 first stage 2\.4 \d\.\d 9\.4 0 refined 1\.2 \d\.\d 0\.0 Means', text)
    data = json.loads(re.search('(?s)id="data">(.*?)</script>', report)[1])
    assert data['times'] == pytest.approx((video_poses.times - 2).tolist())
    assert data['size'] == [97, 62] and data['joints'][13] == 'left wrist' and data['bones'][0] == [0, 1]
    assert [set(track['poses']) for track in data['tracks']] == [{'truth', 'first', 'refined'}, {'first', 'refined'}]
    track, person = data['tracks'][1], video_poses.tracks[1]
    assert (track['id'], track['start'], track['interpolated']) == (1, 3, [0] * 7)
    for array, expected in (
        (track['poses']['refined'], 1000 * person.keypoints_3d),
        (track['keypoints'], person.keypoints),
    ):
        found = np.frombuffer(base64.b64decode(array), '<f4').reshape(expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_errors_in_millimetres(video_poses):
    """80 mm of error at one of 17 joints in every other frame accelerate by twice that; constant 20 mm do not."""
    track = video_poses.tracks[0]
    first, refined = error_rows(track)
    assert first == ('first stage', *map(pytest.approx, (40 / 17, first[2], 160 / 17)))
    assert refined == ('refined', *map(pytest.approx, (20 / 17, refined[2])), pytest.approx(0, abs=1e-6))
    track.keypoints_3d = 1.2 * track.truth[..., [2, 0, 1]]
    assert error_rows(track)[1][2] == pytest.approx(0, abs=1e-3), 'after a similarity'
    for name in ('keypoints_3d_first', 'keypoints_3d', 'truth'):
        setattr(track, name, getattr(track, name)[:2])
    assert [row[3] for row in error_rows(track)] == [None, None], 'of two frames'


def test_nothing_is_fetched(write, video_poses, tmp_path):
    with pytest.raises(InputError, match=r'report.html: expected the 12 frames of walk.mp4, .* got 0 frames'):
        write_report(video_poses, [], tmp_path / 'report.html')
    assert not list(tmp_path.iterdir())
    elements, _, report = write(with_video=True)
    assert not re.search('<(iframe|img|object)', elements) and not re.search('<script[^>]* src', report)
    assert re.findall(r'\b(?:src|href)="([^"]*)"', elements) == ['data:,']
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', elements)
    assert policy.startswith("default-src 'none';") and 'http' not in policy


def test_without_truth_and_with_nobody(write, video_poses):
    video_poses.tracks[0].truth = None
    elements, text, _ = write()
    assert 'ground truth' not in text and 'MPJPE' not in text
    assert re.findall('data-stage="(.*?)"', elements) == ['first', 'refined']
    video_poses.tracks = []
    _, text, report = write(with_video=True)
    assert '0 people' in text and 'No person was found in this video.' in text and '<script' not in report


def test_any_skeleton(other_poses, tmp_path):
    write_report(other_poses, None, tmp_path / 'report.html')
    report, skeleton = (tmp_path / 'report.html').read_text(encoding='utf-8'), other_poses.skeleton
    data = json.loads(re.search('(?s)id="data">(.*?)</script>', report)[1])
    assert data['joints'] == [name.replace('_', ' ') for name in skeleton.joint_names]
    assert data['bones'] == [list(bone) for bone in skeleton.bones]
    ends = [' '.join(skeleton.joint_names[joint] for joint in bone) for bone in skeleton.bones]
    assert data['boneSides'] == ['left' if 'left' in e else 'right' if 'right' in e else 'trunk' for e in ends]
    options = re.findall(r'<option value="(\d+)" (selected)?', report[report.index('id="joint"') :])
    assert {int(joint) for joint, _ in options} == {*range(skeleton.num_joints)} - {skeleton.root}
    assert [data['joints'][int(joint)] for joint, chosen in options if chosen] == ['left wrist']
