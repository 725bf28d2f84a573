import json
from dataclasses import replace

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from depth_refine.structures.skeleton import H36M
from depth_refine.visualization import write_report

pytestmark = pytest.mark.browser

VIDEO = 'a_video_with_a_very_long_name_and_no_place_to_break_it_' * 3
SLIDER, LABEL = "Number(document.getElementById('slider').value)", "play.getAttribute('aria-label')"
POSES, CURVES = "document.getElementById('pose-view')", "document.getElementById('depth-curves')"


class Page:
    """The report in a browser, with the data that its plots draw."""

    def __init__(self, browser):
        self.browser = browser

    def run(self, script):
        return self.browser.execute_script(f'return {script}')

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def wait(self, script, expected=True):
        WebDriverWait(self.browser, 60, 0.05).until(lambda _: self.run(script) == expected, f'{script} == {expected}')

    def wait_for_frame(self, frame):
        self.wait(SLIDER, frame)
        self.wait(f'{POSES}.dataset.frame', str(frame))

    def drawn(self, stage):
        """The ends of the bones in the 3D view: x, depth and height, mm."""
        return self.run(f'(t => [t.x, t.y, t.z])({POSES}.data.find(t => t.name === {stage!r}))')

    def resize(self, width):
        size = {'width': width, 'height': 800, 'deviceScaleFactor': 1, 'mobile': width < 600}
        self.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', size)

    def open(self, path):
        self.resize(1280)
        self.browser.get(path.as_uri())
        self.wait(f'Boolean({POSES}?.data && {CURVES}?.data)')

    def go_to(self, frame):
        self.run(f"[slider.value = {frame}, slider.dispatchEvent(new Event('input'))]")
        self.wait_for_frame(frame)

    def reset(self):
        """Reset everything to the state after opening, but for the direction of the 3D view."""
        self.resize(1280)
        self.run("play.getAttribute('aria-label') == 'Pause' && play.click()")
        self.run("document.querySelectorAll('[type=checkbox]').forEach(box => box.checked || box.click())")
        for selector, index in {'#person': 0, '#joint': 12, '#speed': 3}.items():
            Select(self.find(selector)).select_by_index(index)
        self.go_to(0)


@pytest.fixture(scope='module')
def opened(browser, two_people, video_frames, tmp_path_factory):
    """The opened report of a result with video, shared since opening takes longer than most tests."""
    path = tmp_path_factory.mktemp('report') / 'report.html'
    write_report(replace(two_people, video=VIDEO), video_frames, path)
    page = Page(browser)
    page.open(path)
    return page


@pytest.fixture
def page(opened):
    opened.reset()
    return opened


@pytest.fixture
def new_tab(browser):
    """A new tab for another report than ``opened``, which stays open."""
    first = browser.current_window_handle
    browser.switch_to.new_window('tab')
    yield Page(browser)
    browser.close()
    browser.switch_to.window(first)


@pytest.fixture(autouse=True)
def no_errors(browser):
    yield
    assert [entry['message'] for entry in browser.get_log('browser') if entry['level'] == 'SEVERE'] == []


def _lines(pose, bones=H36M.bones):
    """The expected lines of one pose (17, 3), m: x, z and -y of both ends of each bone, mm, then a break."""
    axes = [1000 * pose[:, 0], 1000 * pose[:, 2], -1000 * pose[:, 1]]
    ends = [[*(pytest.approx(axis[joint], abs=1e-2) for joint in bone), None] for axis in axes for bone in bones]
    return np.reshape(ends, (3, -1)).tolist()


def test_loads_from_a_file_and_fetches_nothing(opened, video_poses):
    assert opened.run('document.title') == f'{VIDEO} · 3D poses'
    opened.wait("document.getElementById('video').readyState", 4)
    assert opened.run('[video.videoWidth, video.videoHeight]') == [640, 410]
    assert opened.drawn('refined') == _lines(video_poses.tracks[0].keypoints_3d[0])
    events = [json.loads(entry['message'])['message'] for entry in opened.browser.get_log('performance')]
    requests = [event['params'] for event in events if event['method'] == 'Network.requestWillBeSent']
    requests = [each['request']['url'] for each in requests if each['documentURL'].endswith('/report.html')]
    assert {'file', 'blob'} <= {url.split(':')[0] for url in requests} <= {'file', 'blob', 'data'}


def test_slider_and_keys_move_everything(page, video_poses):
    track = video_poses.tracks[0]
    page.go_to(5)
    for stage, poses in (('ground truth', track.truth), ('first stage', track.keypoints_3d_first)):
        assert page.drawn(stage) == _lines(poses[5])
    assert page.find('#clock').text == '0.24 s, frame 5, interpolated'
    assert 0.24 < page.run('video.currentTime') < 0.30
    before = page.run('joints.toDataURL()')
    body = page.find('body')
    body.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.wait_for_frame(7)
    assert page.find('#clock').text == '0.34 s, frame 7'
    assert page.run('joints.toDataURL()') != before
    body.send_keys(Keys.END, Keys.ARROW_RIGHT)
    page.wait_for_frame(11)
    body.send_keys(Keys.HOME, Keys.ARROW_LEFT)
    page.wait_for_frame(0)


def test_plays_without_video_and_nobody_found(new_tab, video_poses, tmp_path):
    write_report(video_poses, None, tmp_path / 'report.html')
    new_tab.open(tmp_path / 'report.html')
    assert new_tab.run("document.querySelector('video')") is None
    new_tab.run('play.click()')
    new_tab.wait_for_frame(11)
    new_tab.wait(LABEL, 'Play')
    video_poses.tracks = []
    write_report(video_poses, None, tmp_path / 'report.html')
    new_tab.browser.get((tmp_path / 'report.html').as_uri())
    assert 'No person was found' in new_tab.find('main').text


def test_plays_pauses_goes_on_to_the_end_and_starts_again(page):
    Select(page.find('#speed')).select_by_value('0.1')
    assert page.run(f'[play.click(), {LABEL}][1]') == 'Pause'
    page.wait('slider.value > 2')
    assert page.run(f'[play.click(), {LABEL}][1]') == 'Play'
    stopped = page.run(SLIDER)
    page.wait_for_frame(stopped)
    assert stopped < 11
    page.run('play.click()')
    page.wait_for_frame(11)
    page.wait(LABEL, 'Play')
    assert page.run('[play.click(), slider.value][1]') == '0', 'from the start again'


def test_toggles(page):
    visible = f'[{POSES}, {CURVES}].map(plot => plot.data.map(trace => trace.visible))'
    page.wait(visible, [[True] * 3] * 2)
    page.find('[data-stage=first]').click()
    page.wait(visible, [[True, False, True]] * 2)
    page.find('[data-stage=truth]').click()
    page.wait(visible, [[False, False, True]] * 2)
    drawn = "joints.getContext('2d').getImageData(0, 0, joints.width, joints.height).data.some(Boolean)"
    assert page.run(drawn)
    page.find('#overlay').click()
    assert not page.run(drawn)


def test_people_and_joints(page, video_poses):
    track = video_poses.tracks[1]
    page.go_to(4)
    Select(page.find('#joint')).select_by_visible_text('right wrist')
    Select(page.find('#person')).select_by_visible_text('1: 7 frames')
    page.wait(f'{POSES}.data.length', 2)
    page.wait(f'{CURVES}.data.length', 2)
    assert page.drawn('refined') == _lines(track.keypoints_3d[1])
    times, depths = page.run(f'(t => [t.x, t.y])({CURVES}.data[1])')
    assert times == pytest.approx(video_poses.times[3:10] - 2)
    assert depths == pytest.approx(1000 * track.keypoints_3d[:, 16, 2], abs=1e-2)
    page.go_to(0)
    assert page.find('#clock').text == '0.00 s, frame 0, not seen'
    assert set(page.drawn('refined')[0]) == {None}


def test_curves_of_depth_and_marks_of_interpolated_frames(page, video_poses):
    track = video_poses.tracks[0]
    names, curves = page.run(f'(d => [d.map(t => t.name), d.map(t => t.y)])({CURVES}.data)')
    assert names == ['ground truth', 'first stage', 'refined']
    for curve, poses in zip(curves, (track.truth, track.keypoints_3d_first, track.keypoints_3d), strict=True):
        assert curve == pytest.approx(1000 * poses[:, 13, 2], abs=1e-2), 'the left wrist, at first'
    assert page.run(f'{CURVES}.layout.yaxis.title.text') == 'depth (mm)'
    (gap,) = page.run(f'{CURVES}.layout.shapes')
    assert (gap['x0'], gap['x1']) == pytest.approx(((0.14 + 0.2) / 2, (0.3 + 0.34) / 2)), 'frames 4 to 6'
    mark = page.run("(box => [box.offsetLeft, box.offsetWidth])(document.querySelector('#presence .guessed'))")
    assert [length / page.run('presence.offsetWidth') for length in mark] == pytest.approx([4 / 12, 3 / 12], abs=0.01)


def test_cursor_stands_at_the_current_time_where_the_plot_is_zoomed_into(page):
    cursor = '(box => (box.left + box.right) / 2)(cursor.getBoundingClientRect())'
    plot = "document.querySelector('#depth-curves .nsewdrag').getBoundingClientRect()"
    page.run(f"Plotly.relayout({CURVES}, 'xaxis.range', [0.14, 0.34]).then(() => null)")
    page.go_to(6)
    left, width = page.run(f'(box => [box.left, box.width])({plot})')
    assert page.run(cursor) == pytest.approx(left + (0.3 - 0.14) / 0.2 * width, abs=1.5)
    page.go_to(11)
    assert page.run('getComputedStyle(cursor).display') == 'none', 'outside of the part'
    page.run(f"Plotly.relayout({CURVES}, 'xaxis.range', [0, 0.54]).then(() => null)")
    page.wait('getComputedStyle(cursor).display', 'block')


def test_clicking_on_a_curve_goes_to_that_time_and_dragging_turns_the_view(page):
    ActionChains(page.browser).move_to_element(page.find('#depth-curves .nsewdrag')).pause(0.3).click().perform()
    page.wait('slider.value >= 5 && slider.value <= 6')
    eye = f'{POSES}._fullLayout.scene._scene.getCamera().eye'
    before = page.run(eye)
    chain = ActionChains(page.browser).move_to_element(page.find('#pose-view')).click_and_hold()
    chain.move_by_offset(80, 0).move_by_offset(40, 0).release().perform()
    page.wait(f'Math.abs({eye}.x - {before["x"]}) > 0.2')
    turned = page.run(eye)
    page.go_to(1)
    assert page.run(eye) == pytest.approx(turned), 'another frame keeps the view'


@pytest.mark.parametrize('width', [375, 1280])
def test_no_scrolling_sideways(page, width):
    page.resize(width)
    page.wait(f'{CURVES}.offsetWidth < {width}')
    assert page.run('[innerWidth, document.documentElement.scrollWidth]') == [width, width]
    right = "[...document.querySelectorAll('.card, .card > *')].map(box => box.getBoundingClientRect().right)"
    assert max(page.run(right)) <= width
    assert page.run("document.querySelectorAll('figure')[1].offsetLeft > 300") == (width == 1280), 'beside the video'


def test_any_skeleton(new_tab, other_poses, video_frames, tmp_path):
    write_report(other_poses, video_frames, tmp_path / 'report.html')
    new_tab.open(tmp_path / 'report.html')
    new_tab.go_to(7)
    track, names = other_poses.tracks[0], other_poses.skeleton.joint_names
    assert new_tab.drawn('refined') == _lines(track.keypoints_3d[7], other_poses.skeleton.bones)
    Select(new_tab.find('#joint')).select_by_visible_text('right wrist')
    expected = 1000 * track.keypoints_3d[:, names.index('right_wrist'), 2]
    new_tab.wait(f'{CURVES}.data[2].y.map(y => Math.abs(y - {expected[0]}) < 1e-2)[0]')
    assert new_tab.run(f'{CURVES}.data[2].y') == pytest.approx(expected, abs=1e-2)
