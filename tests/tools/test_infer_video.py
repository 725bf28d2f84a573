import json
import signal
import time
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest
from skeletons import standing_pose

from depth_refine.export import write_bvh
from depth_refine.functional.camera import project
from depth_refine.inference.sources.video_source import open_source
from depth_refine.structures.skeleton import H36M


@pytest.fixture
def run(causal_stages, tmp_path, monkeypatch, run_tool):
    """A function that runs the tool with tiny random networks in an empty folder; returns status and output."""
    monkeypatch.chdir(tmp_path)
    stages = ['--stage1', *causal_stages[:2], '--stage2', *causal_stages[2:], '--device', 'cpu']

    def run(video, *arguments):
        ended = run_tool('infer_video', video, *stages, *arguments)
        return ended.status, ended.out.splitlines()

    return run


@pytest.fixture
def video(tmp_path):
    """A folder of three frames of 97 x 75 px, the second one unreadable, and a file with a box in each."""
    folder = tmp_path / 'walk'
    folder.mkdir()
    for number in range(3):
        image = np.random.default_rng(number).integers(0, 256, (75, 97, 3), np.uint8)
        cv2.imwrite(str(folder / f'{number}.png'), image)
    (folder / '1.png').write_bytes(b'')
    (tmp_path / 'boxes.csv').write_text('frame,x1,y1,x2,y2\n' + ''.join(f'{n},30,10,60,70\n' for n in range(3)))
    return folder


def test_everything_is_written(run, video, tmp_path, monkeypatch):
    in_world = []
    monkeypatch.setattr(
        'video.output.write_bvh',
        lambda *args: in_world.append(args[-1]['R'].tolist()) or write_bvh(*args),
    )
    quarter, place = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]], [1.0, 2.0, 3.0]  # looks along the world's x, with z up
    (tmp_path / 'camera.json').write_text(json.dumps(dict(R=quarter, T=place)))
    status, lines = run(
        *('walk', '--out', 'deep/out', '--boxes', 'boxes.csv', '--fps', 25),
        *('--intrinsics', 180, 190, 96, 74, '--intrinsics-size', 194, 150, '--extrinsics', 'camera.json'),
        *('--distortion', 'opencv', '-2e-01', 0.1, '-9.8E-04', -0.002, 0),
    )
    assert status == 0
    assert lines[-3].startswith(
        'camera: given for frames of 194 x 150 px, and rescaled to 97 x 75 px. In the world it is'
    )
    assert lines[-2:] == ['person 0: frames 0 to 2, 1 interpolated', 'wrote deep/out']
    assert not any('finished' in line for line in lines)
    assert 'note: The frames have no time stamps and are taken as 25 a second.' in lines
    assert 'note: Person 0, interpolated frames in gaps: 1.' in lines
    out = tmp_path / 'deep' / 'out'
    names = ['person_0.bvh', 'person_0.trc', *(f'poses.{kind}' for kind in ('csv', 'json', 'mp4', 'npz', 'png'))]
    assert sorted(path.name for path in out.iterdir()) == [*names, 'report.html']
    assert [path.name for path in (tmp_path / 'deep').iterdir()] == ['out']
    assert json.loads((out / 'poses.json').read_text())['video'] == 'walk'
    with np.load(out / 'poses.npz') as arrays:
        assert arrays['root_relative_m'].shape == (3, 17, 3)
        np.testing.assert_array_equal(arrays['camera_T_m'], place)
        np.testing.assert_allclose([*arrays['camera_focal_px'], *arrays['camera_center_px']], [90, 95, 48, 37])
        np.testing.assert_allclose([*arrays['camera_k'], *arrays['camera_p']], [-0.2, 0.1, 0, -0.00098, -0.002])
        assert arrays['camera_lens'] == 'opencv'
    assert in_world == [quarter], 'the motion file too'
    with av.open(str(out / 'poses.mp4')) as container:
        assert sum(1 for _ in container.decode(video=0)) == 3
    assert cv2.imread(str(out / 'poses.png')) is not None


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['boxes.csv'], 'error: boxes.csv is not a video, or is a damaged one (FFmpeg says: '),
        (['walk', '--boxes', 'late.csv'], 'error: no person was found in walk, and nothing is written; --boxes'),
        (['walk', '--boxes', 'torchvision'], 'error: expected --boxes torchvision WEIGHTS, got torchvision'),
        (['walk', '--boxes', 'boxes.csv', 'more'], 'error: expected --boxes boxes.csv, got boxes.csv more'),
        (
            ['walk', '--boxes', 'boxes.csv', '--first-frame', 1],
            'error: boxes.csv: expected whole numbers from 0 as frame',
        ),
        (['walk', '--extrinsics', 'boxes.csv'], 'error: boxes.csv: expected a JSON file with R and T, got'),
        (
            ['walk', '--intrinsics', 883, 883, 640, 360],
            'error: the principal point of the intrinsics, 640 360 px, is far',
        ),
        (
            ['walk', '--intrinsics', 90, 95, 48, 37, '--distortion', -0.2, 0, 0, 0, 0],
            'error: expected the distortion as',
        ),
        (['walk', '--out', 'walk'], 'error: walk exists: give another folder (--out, with make OUT=), or remove'),
        (['walk', '--stage1', 'absent.py', '1.pth'], 'error: no config file '),
        (['no.mp4', '--stage1', 'absent.py', '1.pth'], 'error: no video no.mp4: give a video file, a folder of'),
        (
            ['walk', '--stage1', 'absent.py', '1.pth', '--fps', 0],
            'error: fps: expected a number from 0.01 to 100000, got 0',
        ),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(run, video, tmp_path, arguments, message):
    (tmp_path / 'late.csv').write_text('frame,x1,y1,x2,y2\n9,1,2,30,40\n')
    status, _ = run(arguments[0], '--out', 'out', *arguments[1:])
    assert status.startswith(message) and '\n' not in status
    assert run('walk')[0] == 2, 'a video needs --out'
    assert run('walk', '--out', 'out', '--intrinsics-size', 97, 75)[0] == 2, 'of no intrinsics'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['boxes.csv', 'late.csv', 'walk']


@pytest.fixture
def plug_in(monkeypatch):
    """A function that replaces OpenCV's camera 3 by one of 97 x 75 px, and its window.

    ``press`` is called for each frame shown, and gives a key; returns what was shown.
    """

    def plug_in(press):
        shown, rng = [], np.random.default_rng(0)

        def read():
            time.sleep(0.02)
            return True, rng.integers(0, 256, (75, 97, 3), np.uint8)

        camera = dict(isOpened=lambda: True, read=read, release=lambda: shown.append('released'))
        monkeypatch.setattr(cv2, 'VideoCapture', {3: SimpleNamespace(**camera)}.get)
        monkeypatch.setattr(cv2, 'imshow', lambda name, image: shown.append(image.shape))
        monkeypatch.setattr(cv2, 'waitKey', lambda wait: press())
        return shown

    return plug_in


def test_camera(run, plug_in, monkeypatch):
    keys = iter([-1, ord('q')])
    shown = plug_in(lambda: next(keys))
    assert run('3')[0] == 0
    assert shown == [(422, 680, 3), (422, 680, 3), 'released'], 'image and refined pose'
    assert run('3', '--fps', 30)[0] == 'error: camera 3 is live and tells the times of its frames itself: leave fps out'

    def no_display(name, image):
        raise cv2.error('The function is not implemented')

    monkeypatch.setattr(cv2, 'imshow', no_display)
    assert run('3')[0].startswith('error: a camera needs a window, or --out: OpenCV finds no display')
    assert shown[-1] == 'released'


@pytest.mark.slow
def test_a_camera_is_kept(run, plug_in, monkeypatch, tmp_path):
    """All files of a video are written, for the frames and people that were shown until Ctrl-C was pressed."""
    strips = []

    def strip(frame, *args, **kwargs):
        strips.append(frame)
        if len(strips) == 9:
            signal.raise_signal(signal.SIGINT)
        return np.zeros((8, 8, 3), np.uint8)

    plug_in(lambda: -1)
    monkeypatch.setattr('video.live.draw_strip', strip)
    status, lines = run('3', '--out', 'kept', '--intrinsics', 90, 95, 48, 37)
    assert status == 0
    assert lines[-3:] == ['camera: given', 'person 0: frames 0 to 8, 0 interpolated', 'wrote kept']
    with np.load('kept/poses.npz') as arrays:
        assert str(arrays['video']) == 'camera 3' and arrays['image_size_px'].tolist() == [97, 75]
        assert arrays['time_s'][0] == 0 and (np.diff(arrays['time_s']) > 0.01).all()
        np.testing.assert_array_equal(arrays['keypoints_px'], [frame.keypoints for frame in strips])
    names = ['person_0.bvh', 'person_0.trc', *(f'poses.{kind}' for kind in ('csv', 'json', 'mp4', 'npz', 'png'))]
    assert sorted(path.name for path in (tmp_path / 'kept').iterdir()) == [*names, 'recording.mp4', 'report.html']


@pytest.fixture
def shown(photo, tmp_path):
    """A video of a portrait that moves and grows through frames of 320 x 240 px, at 25 a second."""
    folder = tmp_path / 'shown'
    folder.mkdir()
    for number in range(16):
        scale = 0.32 + 0.004 * number
        similarity = np.array([[scale, 0, 70 + 2 * number], [0, scale, 20]])
        cv2.imwrite(
            str(folder / f'{number:02d}.png'), cv2.warpAffine(photo, similarity, (320, 240), borderValue=(99,) * 3)
        )
    return folder


@pytest.mark.slow
def test_a_video_and_nothing_else(models, shown, tmp_path, monkeypatch, run_tool):
    monkeypatch.chdir(tmp_path)
    ended = run_tool('infer_video', shown, '--out', 'poses', '--fps', 25, '--device', 'cpu')
    assert ended.status == 0, ended.err
    assert (
        'note: Refined poses are finished: joints are placed on the rays of their pixels, bones get one length'
        in ended.out
    )
    assert ended.out.splitlines()[-2:] == ['person 0: frames 0 to 15, 0 interpolated', 'wrote poses']
    with np.load('poses/poses.npz') as arrays:
        poses, pixels = arrays['root_relative_m'], arrays['keypoints_px']
        lengths = H36M.bone_lengths(poses)
        assert (lengths.std(axis=0) / lengths.mean(axis=0)).max() < 0.03
        camera = dict(f=arrays['camera_focal_px'], c=arrays['camera_center_px'])
        seen = arrays['score'] > 0.5  # the portrait ends at the chest
        assert seen[:, [11, 14]].all()
        np.testing.assert_allclose(project(arrays['camera_m'], camera)[seen], pixels[seen], atol=15)
        shoulders = pixels[:, [11, 14], 0]
        assert (shoulders[:, 0] > shoulders[:, 1]).all() and (np.diff(shoulders.mean(axis=1)) > 0).mean() > 0.7
        assert poses[:, 8, 1].max() < -0.2  # the thorax is above the hips


@pytest.mark.slow
def test_an_estimator_of_ones_own_and_the_person_known(models, shown, tmp_path, monkeypatch, run_tool):
    monkeypatch.chdir(tmp_path)
    network = tmp_path / 'network.tflite'
    network.write_bytes(models[1].content)
    options = ['--estimator', network, '--height', 1.8, '--fps', 25, '--device', 'cpu']
    ended = run_tool('infer_video', shown, '--out', 'poses', *options)
    assert ended.status == 0, ended.err
    assert 'BlazePose network.tflite' in ended.out and 'the person is 1.8 m tall' in ended.out


@pytest.mark.parametrize('unit', [None, 'm'])
def test_predictions_without_a_video(unit, tmp_path, monkeypatch, run_tool):
    monkeypatch.chdir(tmp_path)
    rng, frames = np.random.default_rng(0), 12
    joints = standing_pose(H36M) + [0.2, 0, 4] + rng.normal(0, 0.01, (frames, 17, 3))
    depth = {} if unit is None else dict(depth=joints[..., 2])
    camera = dict(f=[1147 * 0.64] * 2, c=[320, 240])
    np.savez('p.npz', frames=np.arange(1, 1 + frames), keypoints=project(joints, camera), **depth)
    arguments = ['--predictions', tmp_path / 'p.npz', '--joint-order', 'h36m', '--first-frame', 1, '--size', 640, 480]
    unit = [] if unit is None else ['--depth-unit', unit]
    ended = run_tool('infer_video', *arguments, *unit, '--fps', 50, '--out', 'poses', '--device', 'cpu')
    assert ended.status == 0, ended.err
    assert ('2D and depth' if unit else '2D alone') in ended.out
    with np.load('poses/poses.npz') as arrays:
        assert ('depth_first_stage_m' in arrays) == bool(unit)
        error = np.linalg.norm(arrays['root_relative_m'] - (joints - joints[:, :1]), axis=-1).mean()
        assert error < (0.1 if unit else 0.2)
    content = json.loads((tmp_path / 'poses' / 'poses.json').read_text())
    assert content['fps'] == 50 and len(content['tracks'][0]['frame']) == frames
    assert content['video'] == 'p.npz', 'not where it lies'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--out', 'o'], 'a video is required'),
        (['--out', 'o', '--boxes', 'b.csv', 'v.mp4'], 'a video is required, as the first argument'),
        (['--out', 'o', '--joint-order', 'coco', '--predictions', 'p.json', 'v.mp4'], 'as the first argument, since'),
        (['v.mp4', '--out', 'o', '--predictions', 'p.npz'], '--predictions and --joint-order belong together'),
        (['v.mp4', '--out', 'o', '--joint-order', 'coco'], '--predictions and --joint-order belong together'),
        (['7', '--predictions', 'p.npz', '--joint-order', 'coco'], '--predictions replace --stage1 and --boxes'),
        (['v.mp4', '--out', 'o', '--stage1', 'a', 'b', '--height', '1.8'], 'need finishing: add --finish'),
        (['v.mp4', '--out', 'o', '--refined-only', '--level'], '--height, --level and --smooth need finishing'),
        (['v.mp4', '--out', 'o', '--refined-only', '--smooth', '0'], '--height, --level and --smooth need finishing'),
        (['v.mp4', '--out', 'o', '--size', '64', '48'], '--size and --depth-unit are of --predictions'),
        (['v.mp4', '--out', 'o', '--depth-unit', 'mm'], '--size and --depth-unit are of --predictions'),
        (
            ['v.mp4', '--out', 'o', '--first-frame', '0', '--boxes', 'whole'],
            '--first-frame is of --predictions or a file',
        ),
        (
            ['v.mp4', '--out', 'o', '--estimator', 'full', '--stage1', 'a', 'b'],
            '--stage1 and --predictions replace each',
        ),
    ],
)
def test_options_that_do_not_go_together(arguments, message, run_tool):
    ended = run_tool('infer_video', *arguments)
    assert ended.status == 2 and message in ended.err


def test_a_video_whose_rate_changes(run, tmp_path, monkeypatch):
    """The rate falls from 50 to 10 frames a second: a motion file has even frames at the same times; a note says so."""
    times = np.concatenate([np.arange(10) / 50, 0.2 + np.arange(5) / 10])

    def changing(*args, **kwargs):
        source = open_source(*args, **kwargs)
        source._frames = (frame._replace(time=float(times[frame.index])) for frame in source._frames)
        return source

    monkeypatch.setattr('depth_refine.inference.video_pose_inferencer.open_source', changing)
    (tmp_path / 'walk').mkdir()
    for number in range(15):
        image = np.random.default_rng(number).integers(0, 256, (75, 97, 3), np.uint8)
        cv2.imwrite(str(tmp_path / 'walk' / f'{number:02d}.png'), image)
    status, lines = run('walk', '--out', 'out', '--finish', '--amp', '--batch-size', 4)
    assert status == 0 and any('Refined poses are finished' in line for line in lines)
    (note,) = (line.removeprefix('note: ') for line in lines if 'unevenly' in line)
    assert 'BVH and TRC files, which have one rate, are interpolated to 50 frames a second' in note
    assert note in json.loads((tmp_path / 'out' / 'poses.json').read_text())['notes']
    assert 'Frames: 31\nFrame Time: 0.020000000\n' in (tmp_path / 'out' / 'person_0.bvh').read_text()
    assert (tmp_path / 'out' / 'person_0.trc').read_text().splitlines()[-1].startswith('31\t0.600000\t')
