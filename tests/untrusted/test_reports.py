"""Names that would run as code in the reader's browser."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from depth_refine.structures.skeleton import H36M
from depth_refine.structures.video_poses import PoseTrack, VideoPoses
from depth_refine.visualization import write_report

NAMES = [
    '<script>alert(1)</script>.mp4',
    '</title><script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>.mp4',
    "' onmouseover='alert(1)",
    '</script><script>alert(1)</script>',
    '<!--<script>',
    ']]><svg onload=alert(1)>',
    '{{ 7 * 7 }}{% raw %}',
    '&lt;script&gt;alert(1)&lt;/script&gt;',
    'S1_<b>Greeting</b>.54138969\u2028\u202e',
]


class Report(HTMLParser):
    """Elements, their attributes and texts, as a browser's parser sees them."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self._open = [], {}, 'none'
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open = dict(attrs).get('id') or tag

    def handle_endtag(self, tag):
        self._open = 'none'

    def handle_data(self, data):
        self.texts[self._open] = self.texts.get(self._open, '') + data


def report_of(path, name, skeleton=H36M):
    arguments = dict(track_id=0, frames=np.arange(3), is_interpolated=np.zeros(3, bool))
    arguments['keypoints'] = np.zeros((3, 17, 2), np.float32) + [20, 10]
    arguments['keypoints_3d'] = np.zeros((3, 17, 3), np.float32) + np.arange(17)[:, None] / 100
    arguments['keypoints_3d_first'] = arguments['keypoints_3d']
    track = PoseTrack(**{field: arguments.get(field) for field in PoseTrack.__dataclass_fields__})
    video = VideoPoses(
        name, skeleton, (64, 48), np.array([0.0, 0.04, 0.08]), None, name, [track], [name, f'{name} again']
    )
    write_report(video, None, path)
    return Report(path.read_text())


@pytest.mark.parametrize('name', NAMES)
def test_names_are_text(tmp_path, name):
    """Of a video and in notes, and in the JSON that the report's scripts read."""
    harmless, report = report_of(tmp_path / 'report.html', 'a video'), report_of(tmp_path / 'report.html', name)
    assert report.elements == harmless.elements, 'a name became part of the report'
    assert report.texts['title'].startswith(name) and report.texts['h1'] == name
    assert report.texts['li'].count(name) == 2 and name in report.texts['span']
    names = [f'{name}{joint}' for joint in range(17)]
    report = report_of(tmp_path / 'report.html', 'a video', replace(H36M, joint_names=tuple(names)))
    assert [tag for tag, _ in report.elements] == [tag for tag, _ in harmless.elements]
    assert json.loads(report.texts['data'])['joints'] == [name.replace('_', ' ') for name in names]
    raw = (tmp_path / 'report.html').read_text().split('id="data">')[1].split('</script>')[0]
    assert '<' not in raw and '>' not in raw
