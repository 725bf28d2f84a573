import itertools
import pickle

import cv2
import numpy as np
import pytest
from mmpose.structures.bbox import bbox_xyxy2cs, get_warp_matrix
from official_h36m import write_video

from depth_refine.data_tools.preparation.frames import Crops, VideoError, make_crops, sample_video, store_frames
from depth_refine.data_tools.preparation.raw_files import SequenceError
from depth_refine.datasets import AnnotatedSequence, H36MImageDataset, write_annotation
from depth_refine.functional.camera import project, world_to_camera

KEY = ('S5', '60457274')
NAME = 'S1_Eating_1.55011271'


@pytest.fixture
def poses(official_takes, official_cameras):
    """Frames in the middle of the image, and one at its left edge."""
    camera = official_cameras[KEY]
    joints = world_to_camera(official_takes[2].joints, camera)
    joints[-1, :, 0] -= 1.6
    return project(joints, camera), joints, camera


def used_pixels(box, scale, degrees):
    """The pixels at the corners of the network's input, by MMPose's own functions."""
    center, size = bbox_xyxy2cs(box.astype(np.float64))
    size = np.full(2, size.max()) * scale
    matrix = get_warp_matrix(center, size, degrees, output_size=(256, 256))
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    corners = np.array([[0, 0, 1], [255, 0, 1], [0, 255, 1], [255, 255, 1]], float)
    return corners @ inverse.T[:, :2]


@pytest.fixture
def boxes(poses, tmp_path, official_cameras):
    """Both boxes of each frame, as the training computes them."""
    (tmp_path / 'cameras.pkl').write_bytes(pickle.dumps({KEY: official_cameras[KEY]}))
    name = 'S5_Eating.60457274'
    frames = np.arange(1, len(poses[0]) + 1)
    write_annotation(tmp_path / 'a.npz', [AnnotatedSequence(name, frames, *poses[:2])], 50)
    boxes = {}
    for policy in H36MImageDataset.BBOX_POLICIES:
        files = dict(ann_file='a.npz', data_root=str(tmp_path), camera_param_file='cameras.pkl')
        dataset = H36MImageDataset(**files, bbox_policy=policy, pipeline=[])
        boxes[policy] = [dataset[index]['bbox'][0] for index in range(len(dataset))]
    return boxes


def test_windows_hold_every_pixel_that_training_looks_at(poses, boxes):
    windows = make_crops(*poses).windows
    assert windows.dtype == np.int32 and windows.shape == (len(poses[0]), 4)
    for row, window in enumerate(windows):
        views = itertools.product(boxes, (0.75, 1, 1.25), (-30, 0, 30))
        pixels = np.concatenate([used_pixels(boxes[policy][row], *view) for policy, *view in views])
        low, high = pixels.min(axis=0).clip(0), pixels.max(axis=0).clip(max=[999, 1001])
        assert np.all(window[:2] <= low) and np.all(window[2:] - 1 >= high)
        slack = np.concatenate([low - window[:2], window[2:] - 1 - high])
        assert slack.max() < 9, 'and little else'


def test_borders(poses):
    """Windows end with the image, and are never magnified."""
    poses_2d, joints, camera = poses
    windows = make_crops(*poses).windows
    assert windows.min() >= 0 and windows[:, 2].max() <= 1000 and windows[:, 3].max() <= 1002
    assert windows[-1, 0] == 0 < windows[0, 0], 'the last frame is at the left edge'
    far = joints + [0, 0, 20]
    windows, sizes = make_crops(project(far, camera), far, camera)
    np.testing.assert_array_equal(sizes, windows[:, 2:] - windows[:, :2])
    poses_2d[3:] += 9000
    message = rf'in {len(poses_2d) - 3} frames, first in frame 4, nobody is in the image'
    with pytest.raises(SequenceError, match=message):
        make_crops(poses_2d, joints, camera)


def test_stored_size(poses, boxes):
    windows, sizes = make_crops(*poses)
    smaller = np.min([np.ptp(np.reshape(boxes[policy], (-1, 2, 2)), axis=1).min(axis=-1) for policy in boxes], axis=0)
    assert smaller.min() > 256 / 0.75, 'there is something to shrink'
    expected = (windows[:, 2:] - windows[:, :2]) * (256 / 0.75 / smaller)[:, None]
    np.testing.assert_allclose(sizes, expected, atol=1.01)


@pytest.fixture(scope='module')
def marked(tmp_path_factory):
    """A video of 3 frames, grey noise that video can store, with a bright square around one pixel."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp('video') / 'marked.mp4'
    frames = [cv2.resize(rng.integers(40, 90, (25, 25, 3), np.uint8), (1000, 1000)) for _ in range(3)]
    for index, frame in enumerate(frames):
        x, y = 431 + 20 * index, 287
        frame[y - 12 : y + 13, x - 12 : x + 13] = 255
    write_video(path, frames)
    return path


@pytest.fixture
def store(tmp_path):
    images = tmp_path / 'images'

    def store_in(path, poses, numbers, crops=None):
        return store_frames(path, images, NAME, poses, numbers, crops)

    store_in.folder = images / 'S1' / NAME
    store_in.read = lambda number: cv2.imread(str(store_in.folder / f'{NAME}_{number:06d}.jpg'))
    store_in.names = lambda: sorted(path.name for path in store_in.folder.glob('*.jpg'))
    return store_in


def crops_of(windows, sizes):
    return Crops(np.array(windows, np.int32), np.array(sizes, np.int32))


def centre_of_mark(image):
    """(x, y) of the bright square, to a fraction of a pixel."""
    weight = np.clip(image.mean(axis=-1) - 120, 0, None)
    rows, columns = np.indices(weight.shape)
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


@pytest.mark.parametrize('size', [(401, 300), (131, 117)])
def test_pixels_of_crops_are_where_the_window_says(store, marked, size):
    x1, y1, x2, y2 = 207, 101, 608, 401
    store(marked, 3, [2], crops_of([[0, 0, 9, 9], [x1, y1, x2, y2], [0, 0, 9, 9]], [[9, 9], size, [9, 9]]))
    crop = store.read(2)
    assert crop.shape == (*size[::-1], 3)
    edges = np.array([x1, y1]) - 0.5
    in_frame = edges + (centre_of_mark(crop) + 0.5) * [(x2 - x1) / size[0], (y2 - y1) / size[1]]
    np.testing.assert_allclose(in_frame, [451, 287], atol=0.35)


def test_a_window_that_is_higher_than_the_video(store, tmp_path, grey_video):
    """One real camera says 1002 rows where the video has 1000."""
    write_video(tmp_path / 'a.mp4', grey_video(3))
    store(tmp_path / 'a.mp4', 3, [3], crops_of([[600, 800, 1000, 1002]] * 3, [[400, 202]] * 3))
    assert store.read(3).shape == (202, 400, 3)
    assert store.read(3)[-3:].mean() == pytest.approx(40, abs=6)


@pytest.mark.parametrize(
    'changes',
    [
        dict(numbers=[1, 2, 4]),
        dict(lost=4),
        dict(poses=8),
        dict(video=20),
        dict(crops=crops_of([[0, 0, 8, 8]] * 7, [[8, 8]] * 7)),
        *(dict(record=text) for text in ('', '[]', '{"frames": "many", "source": "x"}', '\udcff', '[' * 100_000)),
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_outdated_folder_is_written_again(store, tmp_path, grey_video, changes):
    path, poses, numbers = tmp_path / 'a.mp4', changes.get('poses', 7), changes.get('numbers', [1, 4])
    write_video(path, grey_video(8))
    store(path, 7, [1, 4])
    (store.folder / f'{NAME}_000001.jpg').write_bytes(b'old')
    assert store(path, 7, [4]) == 7 and store.read(1) is None, 'it is kept if fewer frames are needed'
    if 'lost' in changes:
        (store.folder / f'{NAME}_000004.jpg').unlink()
    if 'video' in changes:
        write_video(path, grey_video(20))
    if 'record' in changes:
        (store.folder / '.frames.json').write_text(changes['record'], errors='surrogateescape')
    assert store(path, poses, numbers, changes.get('crops')) == poses
    assert store.names() == [f'{NAME}_{number:06d}.jpg' for number in numbers] and store.read(1) is not None
    assert [path.name for path in store.folder.parent.iterdir()] == [NAME]


def test_a_video_without_frames(store, tmp_path):
    (tmp_path / 'a.mp4').write_bytes(bytes(5000))
    with pytest.raises(VideoError, match=r'a.mp4 ends after 0 of 3 frames'):
        store(tmp_path / 'a.mp4', 3, [1])
    with pytest.raises(VideoError, match=r'a.mp4 cannot be decoded: download or unpack it again'):
        sample_video(tmp_path / 'a.mp4', dict(w=1000, h=1000), None)


def test_sample(marked, store):
    crops, sizes = crops_of([[407, 263, 455, 311]] * 3, [[24, 24]] * 3), []
    for each in (crops, None):
        store(marked, 3, [1], each)
        sizes.append((store.folder / f'{NAME}_000001.jpg').stat().st_size)
    assert sample_video(marked, dict(w=1000, h=1002), crops) == (3, *sizes), 'one real video has rows too many'
    with pytest.raises(VideoError, match=r'marked.mp4 has frames of 1000 x 1000 px, expected 500 x 501'):
        sample_video(marked, dict(w=500, h=501), None)
