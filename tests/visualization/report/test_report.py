"""The page as a parser sees it; tests/untrusted/test_reports.py has names that are made to run in it."""

import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.visualization import write_report
from depth_refine.visualization.report.report import error_rows


class Page(HTMLParser):
    """Elements and visible text of a page."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.text, self.scripts, self._open = [], '', [], None
        self.feed(path.read_text(encoding='utf-8'))
        self.text = ' '.join(self.text.split())

    def handle_starttag(self, tag, attributes):
        self._open = tag
        self.elements.append((tag, dict(attributes)))
        if tag == 'script':
            self.scripts.append('')

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open == 'script':
            self.scripts[-1] += data
        elif self._open != 'style':
            self.text += f'{data} '


@pytest.fixture
def page(video_poses, video_frames, tmp_path):
    def write(with_video=False):
        write_report(video_poses, video_frames if with_video else None, tmp_path / 'out' / 'report.html')
        assert [file.name for file in (tmp_path / 'out').iterdir()] == ['report.html']
        return Page(tmp_path / 'out' / 'report.html')

    return write


def test_facts_errors_and_data_for_the_scripts(page, video_poses):
    html = page()
    for fact in ('walk.mp4', '97 × 62 px', '12 frames, 0.54 s', '20.37 frames/s', '2 people', 'assumed, 55° wide'):
        assert fact in html.text
    assert 'Frames are 40 and 60 ms apart.' in html.text
    assert 'MPJPE (mm) PA-MPJPE (mm) Acceleration (mm/frame²)' in html.text
    assert re.search(r' 0 first stage 2\.4 \d\.\d 9\.4 0 refined 1\.2 \d\.\d 0\.0 Means', html.text)
    data = json.loads(html.scripts[0])
    assert data['times'] == pytest.approx((video_poses.times - 2).tolist())
    assert data['size'] == [97, 62] and data['joints'][13] == 'left wrist' and data['bones'][0] == [0, 1]
    assert [set(track['poses']) for track in data['tracks']] == [{'truth', 'first', 'refined'}, {'first', 'refined'}]
    track, person = data['tracks'][1], video_poses.tracks[1]
    assert (track['id'], track['start'], track['interpolated']) == (1, 3, [0] * 7)
    for found, expected in (
        (track['poses']['refined'], 1000 * person.keypoints_3d),
        (track['keypoints'], person.keypoints),
    ):
        found = np.frombuffer(base64.b64decode(found), '<f4').reshape(expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_errors_in_millimetres(video_poses):
    """80 mm at one of 17 joints in every other frame accelerate by twice that; 20 mm in all frames do not."""
    track = video_poses.tracks[0]
    first, refined = error_rows(track)
    assert first == ('first stage', *map(pytest.approx, (40 / 17, first[2], 160 / 17)))
    assert refined == ('refined', *map(pytest.approx, (20 / 17, refined[2])), pytest.approx(0, abs=1e-6))
    track.keypoints_3d = 1.2 * track.truth[..., [2, 0, 1]]
    assert error_rows(track)[1][2] == pytest.approx(0, abs=1e-3), 'after a similarity'
    for name in ('keypoints_3d_first', 'keypoints_3d', 'truth'):
        setattr(track, name, getattr(track, name)[:2])
    assert [row[3] for row in error_rows(track)] == [None, None], 'of two frames'


def test_nothing_is_fetched(page, video_poses, tmp_path):
    with pytest.raises(InputError, match=r'report.html: expected the 12 frames of walk.mp4, .* got 0 frames'):
        write_report(video_poses, [], tmp_path / 'report.html')
    assert not list(tmp_path.iterdir())
    html = page(with_video=True)
    assert not [element for element in html.elements if element[0] in ('iframe', 'img', 'object')]
    attributes = [pair for _, attributes in html.elements for pair in attributes.items()]
    assert [value for name, value in attributes if name in ('src', 'href')] == ['data:,']
    (policy,) = (a['content'] for tag, a in html.elements if tag == 'meta' and 'http-equiv' in a)
    assert policy.startswith("default-src 'none';") and 'http' not in policy


def test_without_truth_and_with_nobody(page, video_poses):
    video_poses.tracks[0].truth = None
    html = page()
    assert 'ground truth' not in html.text and 'MPJPE' not in html.text
    assert [a['data-stage'] for _, a in html.elements if 'data-stage' in a] == ['first', 'refined']
    video_poses.tracks = []
    html = page(with_video=True)
    assert '0 people' in html.text and 'No person was found in this video.' in html.text and html.scripts == []
