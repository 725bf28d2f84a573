import cv2
import numpy as np
import pytest
from mmpose.registry import DATASETS

from depth_refine.utils.errors import InputError

PACK = dict(type='PackPoseInputs', meta_keys=('img_path', 'img_id', 'sequence', 'frame', 'flip', 'flip_indices'))
SIZE = (32, 48)


def crop(*augmentations):
    return [
        dict(type='LoadReadableImage'),
        dict(type='GetBBoxCenterScale', padding=1.0),
        *augmentations,
        dict(type='TopdownAffine', input_size=SIZE),
        dict(type='GenerateTarget', encoder=dict(type='IntegralPose3D', input_size=SIZE, depth_range=1.5)),
        PACK,
    ]


def build(data_root, split='train', **changes):
    cfg = dict(type='H36MImageDataset', data_root=str(data_root), ann_file=f'annotation_body3d/fps50/h36m_{split}.npz')
    return DATASETS.build(dict(cfg, **changes))


def test_sample(data_root):
    dataset = build(data_root, test_mode=True)
    assert len(dataset) == 96
    assert [build(data_root, frame_step=5).get_data_info(i)['frame'] for i in range(6)] == [1, 6, 11, 1, 6, 11]
    sample = dataset.get_data_info(30)
    annotation, row = dataset.annotation, sample['img_id']
    joints = annotation.keypoints_3d[row]
    np.testing.assert_array_equal(sample['keypoints'][0, :, :2], annotation.keypoints[row])
    np.testing.assert_array_equal(sample['keypoints'][0, :, 2], joints[:, 2] - joints[0, 2])
    np.testing.assert_array_equal(sample['keypoints_cam'][0], joints)
    assert sample['img_path'].endswith(f'{sample["sequence"]}_{sample["frame"]:06d}.jpg')
    assert sample['camera_param']['id'] == sample['sequence'].rsplit('.', 1)[1]


def test_depths_stay_with_their_joints_through_flip_and_rotation(data_root):
    turn = dict(shift_prob=0.0, scale_factor=(0.7, 0.7), rotate_factor=30.0, rotate_prob=1.0)
    steps = (dict(type='RandomFlip', prob=1.0), dict(turn, type='RandomBBoxTransform'))
    np.random.seed(0)
    plain, turned = (build(data_root, pipeline=crop(*some))[3]['data_samples'] for some in ((), steps))
    plain, mirrored = (item.gt_instance_labels.keypoint_labels[0].numpy() for item in (plain, turned))
    mirrored = mirrored[list(turned.flip_indices)]
    np.testing.assert_allclose(mirrored[:, 2], plain[:, 2])
    assert np.abs(plain[1:4, 2] - plain[4:7, 2]).max() > 0.01
    # mirrored, rotated about the middle and zoomed by 1 / 0.7: distances between joints grow by it
    pixels = [labels[:, :2] * SIZE for labels in (plain, mirrored)]
    distances = [np.linalg.norm(p[:, None] - p[None], axis=-1) for p in pixels]
    np.testing.assert_allclose(distances[1], distances[0] / 0.7, atol=1e-2)


def test_bounding_box_policies(data_root):
    annotation, pelvis = (build(data_root, bbox_policy=policy) for policy in ('annotation', 'pelvis_2m'))
    row = 11
    x1, y1, x2, y2 = annotation.get_data_info(row)['bbox'][0]
    np.testing.assert_allclose([x2 - x1, y2 - y1], 200 * annotation.annotation.scale[row], rtol=1e-5)
    sample = pelvis.get_data_info(row)
    x1, y1, x2, y2 = sample['bbox'][0]
    np.testing.assert_allclose([(x1 + x2) / 2, (y1 + y2) / 2], sample['keypoints'][0, 0, :2], rtol=1e-5)
    depth = pelvis.annotation.keypoints_3d[row, 0, 2]
    np.testing.assert_allclose([x2 - x1, y2 - y1], 2 * sample['camera_param']['f'].ravel() / depth, rtol=1e-4)
    assert sample['bbox_policy'] == 'pelvis_2m' and 'crop_window' not in sample
    with pytest.raises(InputError, match=r"unknown bbox_policy 'tight': expected one of \('annotation', 'pelvis_2m'\)"):
        build(data_root, bbox_policy='tight')


def test_visibility_of_a_sample(data_root, tmp_path):
    arrays = dict(np.load(data_root / 'annotation_body3d/fps50/h36m_train.npz'))
    arrays['part'][3, 5, 2] = 0
    arrays['S'][3, 7, 3] = 0
    arrays['S'][4, 0, 3] = 0
    np.savez(tmp_path / 'hidden.npz', **arrays)
    train, test = (build(data_root, ann_file=str(tmp_path / 'hidden.npz'), test_mode=mode) for mode in (False, True))
    in_both = arrays['part'][3, :, 2] * arrays['S'][3, :, 3]
    assert in_both.sum() == 15
    np.testing.assert_array_equal(train.get_data_info(3)['keypoints_visible'], in_both[None])
    assert not train.get_data_info(4)['keypoints_visible'].any(), 'no depth from a hidden root'
    for row in (3, 4):  # evaluation is in 3D
        np.testing.assert_array_equal(test.get_data_info(row)['keypoints_visible'], arrays['S'][row, None, :, 3])


@pytest.mark.parametrize('row', range(0, 96, 17))
def test_stored_crops_give_the_same_sample_as_full_frames(data_root, tmp_path, row):
    """A crop that holds the whole box: the frame outside it is black now, and nothing else changes."""
    full = build(data_root, pipeline=crop())
    x1, y1, x2, y2 = full.get_data_info(row)['bbox'][0]
    more = (SIZE[1] / SIZE[0] - 1) * (y2 - y1) / 2  # the box takes the input's proportions
    window = np.clip(np.rint([x1 - 2, y1 - more - 2, x2 + 2, y2 + more + 2]), 0, 64).astype(int)
    arrays = dict(np.load(data_root / 'annotation_body3d/fps50/h36m_train.npz'))
    arrays['crop'] = np.tile([0.0, 0.0, 64.0, 64.0], (96, 1))
    arrays['crop'][row] = window
    arrays['imgname'] = np.char.replace(arrays['imgname'], '.jpg', '.png')
    np.savez(tmp_path / 'crops.npz', **arrays)
    path = tmp_path / arrays['imgname'][row]
    path.parent.mkdir(parents=True)
    cv2.imwrite(str(path), cv2.imread(full.image_path(row))[window[1] : window[3], window[0] : window[2]])
    changes = dict(ann_file=str(tmp_path / 'crops.npz'), data_prefix=dict(img=f'{tmp_path}/'))
    cropped = build(data_root, pipeline=crop(), **changes)
    info, expected, got = cropped.get_data_info(row), full[row], cropped[row]
    np.testing.assert_array_equal(info['crop_window'], window)
    assert info['frame_size'] == (64, 64) and expected['inputs'].any()
    np.testing.assert_array_equal(got['inputs'], expected['inputs'])
    for key in ('keypoint_labels', 'keypoint_weights'):
        np.testing.assert_array_equal(*(item['data_samples'].gt_instance_labels[key] for item in (got, expected)))
