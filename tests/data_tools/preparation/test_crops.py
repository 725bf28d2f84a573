import pickle

import numpy as np
import pytest
from mmpose.structures.bbox import bbox_xyxy2cs, get_warp_matrix

from depth_refine.data_tools.preparation.crops import make_crops
from depth_refine.data_tools.preparation.raw_h36m import SequenceError
from depth_refine.datasets import AnnotatedSequence, H36MImageDataset, write_annotation
from depth_refine.functional.camera import project, world_to_camera

KEY = ('S5', '60457274')


@pytest.fixture
def poses(official_takes, official_cameras):
    """Frames in the middle of the image, and one at its left edge."""
    camera = official_cameras[KEY]
    joints = world_to_camera(official_takes[2].joints, camera)
    joints[-1, :, 0] -= 1.6
    return project(joints, camera), joints, camera


def used_pixels(box, scale, degrees):
    """The pixels under the corners of the network's input, by MMPose's own functions."""
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
    write_annotation(tmp_path / 'a.npz', [AnnotatedSequence(name, frames, *poses[:2])])
    boxes = {}
    for policy in H36MImageDataset.BBOX_POLICIES:
        dataset = H36MImageDataset(
            'a.npz', bbox_policy=policy, data_root=str(tmp_path), camera_param_file='cameras.pkl', pipeline=[]
        )
        boxes[policy] = [dataset[index]['bbox'][0] for index in range(len(dataset))]
    return boxes


def test_windows_hold_every_pixel_that_training_looks_at(poses, boxes):
    windows = make_crops(*poses).windows
    assert windows.dtype == np.int32 and windows.shape == (len(poses[0]), 4)
    for row, window in enumerate(windows):
        pixels = np.concatenate(
            [
                used_pixels(boxes[policy][row], scale, degrees)
                for policy in boxes
                for scale in (0.75, 1, 1.25)
                for degrees in (-30, 0, 30)
            ]
        )
        low, high = pixels.min(axis=0).clip(0), pixels.max(axis=0).clip(max=[999, 1001])
        assert np.all(window[:2] <= low) and np.all(window[2:] - 1 >= high)
        slack = np.concatenate([low - window[:2], window[2:] - 1 - high])
        assert slack.max() < 9, 'and little else'


def test_windows_end_with_the_image(poses):
    windows = make_crops(*poses).windows
    assert windows.min() >= 0 and windows[:, 2].max() <= 1000 and windows[:, 3].max() <= 1002
    assert windows[-1, 0] == 0 < windows[0, 0], 'the last frame is at the left edge'


def test_stored_size(poses, boxes):
    windows, sizes = make_crops(*poses)
    extents = windows[:, 2:] - windows[:, :2]
    for row, (width, height) in enumerate(sizes):
        smaller = min(np.min(boxes[policy][row][2:] - boxes[policy][row][:2]) for policy in boxes)
        assert smaller > 256 / 0.75, 'there is something to shrink'
        factor = 256 / 0.75 / smaller
        np.testing.assert_allclose([width, height], factor * extents[row], atol=1.01)


def test_never_magnified(poses):
    _, joints, camera = poses
    far = joints + [0, 0, 20]
    windows, sizes = make_crops(project(far, camera), far, camera)
    np.testing.assert_array_equal(sizes, windows[:, 2:] - windows[:, :2])


def test_nobody_in_the_image(poses):
    poses_2d, joints, camera = poses
    poses_2d[3:] += 9000
    with pytest.raises(
        SequenceError, match=rf'in {len(poses_2d) - 3} frames, first in frame 4, nobody is in the image'
    ):
        make_crops(poses_2d, joints, camera)
