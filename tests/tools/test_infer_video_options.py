"""Documented ways to call infer_video on predictions, and what its options change."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from documents import DOCUMENTS, blocks
from skeletons import standing_pose

from depth_refine.functional.camera import project
from depth_refine.structures.skeleton import H36M

CAMERA = dict(f=[734.0, 734.0], c=[320.0, 240.0])
FRAMES = 30


@pytest.fixture
def infer(run_tool, tmp_path, monkeypatch):
    """A function that runs the tool in an empty folder; returns what it printed, and the arrays."""
    monkeypatch.chdir(tmp_path)

    def infer(*arguments, out='poses'):
        ended = run_tool('infer_video', *arguments, '--out', out, '--device', 'cpu')
        assert ended.status == 0, ended
        with np.load(f'{out}/poses.npz') as arrays:
            return ended.out, dict(arrays)

    return infer


@pytest.mark.slow
def test_finishing(infer):
    """Of somebody who stands and waves."""
    joints = np.repeat(standing_pose(H36M)[None] + [0, 0, 5.0], FRAMES, axis=0)
    joints[:, 13, 2] -= np.linspace(0, 0.2, FRAMES)
    np.savez('p.npz', frames=np.arange(FRAMES), keypoints=project(joints, CAMERA), depth=joints[..., 2])
    arguments = ['--predictions', 'p.npz', '--joint-order', 'h36m', '--depth-unit', 'm', '--size', 640, 480]
    arguments += ['--intrinsics', 734, 734, 320, 240, '--fps', 50]
    printed, tall = infer(*arguments, '--height', 1.8, '--level', out='tall')
    assert 'bones get one length, the person is 1.8 m tall, motion is smoothed at 6 Hz' in printed
    assert 0 <= tall['world_m'][..., 2].min() < 0.12 and 1.5 < tall['world_m'][..., 2].max() < 1.8
    printed, small = infer(*arguments, '--height', 1.2, '--smooth', 0, out='small')
    assert 'the person is 1.2 m tall' in printed and 'smoothed' not in printed
    np.testing.assert_allclose(small['camera_m'] * 1.5, tall['camera_m'], atol=0.02)
    printed, refined = infer(*arguments, '--refined-only', out='refined')
    assert 'finished' not in printed
    spread = [H36M.bone_lengths(each['root_relative_m']).std(axis=0).max() for each in (small, refined)]
    assert spread[0] < 1e-4 < spread[1]


def test_landmarks_of_mediapipe(infer):
    """As the documents save them from its results; without the video."""
    (example,) = [text for path in DOCUMENTS for _, text in blocks(path.read_text(), 'python') if '_landmarks' in text]
    world = np.random.default_rng(0).uniform(-0.5, 0.5, (33, 3))  # metres, from the hips
    world[23:25] = [[0.1, 0, 0], [-0.1, 0, 0]]

    def result(frame):
        pixels = project(world + [0.01 * frame, 0, 4], CAMERA) / [640, 480]
        people = [
            [SimpleNamespace(x=x, y=y, z=z, visibility=0.9) for x, y, z in np.column_stack([points, world[:, 2]])]
            for points in (pixels, world[:, :2])
        ]
        return SimpleNamespace(pose_landmarks=people[:1], pose_world_landmarks=people[1:])

    names = dict(results=map(result, range(FRAMES)), width=640, height=480, np=np)
    exec(example, names | {key: [] for key in ('frames', 'keypoints', 'world_landmarks', 'scores')})
    order = ['--joint-order', 'mediapipe', '--depth-unit', 'm', '--size', 640, 480, '--fps', 60]
    printed, arrays = infer('--predictions', 'clip.npz', *order)
    assert 'joints in the order mediapipe: 2D and depth.' in printed
    assert arrays['root_relative_m'].shape == (FRAMES, 17, 3) and arrays['fps'] == 60
    middle = project(world[23:25] + [0, 0, 4], CAMERA).mean(axis=0)
    np.testing.assert_allclose(arrays['keypoints_px'][0, 0], middle, atol=1e-3)


@pytest.mark.slow
def test_results_of_alphapose_beside_their_video(infer):
    """In slow motion: played at 25 frames a second, taken at 240."""
    video = cv2.VideoWriter('clip.mp4', cv2.VideoWriter_fourcc(*'mp4v'), 25, (640, 480))
    for _ in range(FRAMES):
        video.write(np.full((480, 640, 3), 99, np.uint8))
    video.release()
    joints = np.random.default_rng(0).uniform([200, 50, 0.5], [400, 400, 1], (26, 3))
    people = [
        dict(image_id=f'{frame}.jpg', category_id=1, score=2.9, keypoints=(joints + [frame, 0, 0]).ravel().tolist())
        for frame in range(FRAMES)
    ]
    with open('alphapose-results.json', 'w') as file:
        json.dump(people, file)
    predictions = ['--predictions', 'alphapose-results.json', '--joint-order', 'halpe26']
    printed, arrays = infer('clip.mp4', *predictions, '--fps', 240)
    assert 'joints in the order halpe26: 2D alone.' in printed
    np.testing.assert_allclose(arrays['time_s'], np.arange(FRAMES) / 240, atol=1e-6)
    np.testing.assert_allclose(np.diff(arrays['keypoints_px'], axis=0), [[[1, 0]] * 17] * (FRAMES - 1), atol=1e-3)
