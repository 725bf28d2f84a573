import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from mmpose.registry import DATASETS
from motion_file import write_motion
from scipy.spatial import procrustes
from skeletons import MPI_INF_3DHP, smpl_metainfo

from depth_refine.datasets import merge_windows
from depth_refine.structures.skeleton import Skeleton
from depth_refine.utils.errors import InputError

H36M = dict(from_file='configs/_base_/datasets/h36m.py')
SKELETONS = dict(h36m=(H36M, 'root'), smpl=(smpl_metainfo(), 'pelvis'), mpi=(MPI_INF_3DHP, 'root'))
SAME_BODIES = dict(body_size=0.0, bone_lengths=0.0, joint_angles=0.0)


@pytest.fixture
def motion(tmp_path):
    """A function that builds the data set of a small motion file, through a codec of rays."""

    def build(name='h36m', steps=(), codec=None, fps=50, **kwargs):
        metainfo, root = SKELETONS[name]
        skeleton = Skeleton.from_metainfo(metainfo, root)
        write_motion(tmp_path / 'motion.npz', skeleton, fps=fps)
        codec = dict(
            dict(type='DepthSequenceLifting', num_keypoints=skeleton.num_joints, root_index=skeleton.root),
            **codec or dict(normalisation='rays', depth_range=1.3),
        )
        cfg = dict(type='MotionDataset', motion_file='motion.npz', data_root=str(tmp_path), metainfo=metainfo)
        cfg['pipeline'] = [dict(type='GenerateSequenceTarget', encoder=codec), *steps]
        return DATASETS.build(dict(dict(cfg, root=root, seq_len=9), **kwargs))

    return build


@pytest.mark.parametrize(
    ('causal', 'seq_len', 'clip_len'), [(False, 9, None), (True, 9, None), (False, 1, 4), (False, 5, 4)]
)
@pytest.mark.parametrize('source', ['gt2d', 'gt2d+gtdepth'])
@pytest.mark.parametrize('name', SKELETONS)
def test_windows_against_the_motion(name, source, causal, seq_len, clip_len, motion):
    changes = dict(causal=causal, seq_len=seq_len, clip_len=clip_len, input_source=source, **SAME_BODIES)
    dataset = motion(name, cameras=dict(distance=(4, 20)), **changes)
    positions, root = dataset.annotation.keypoints_3d, dataset.skeleton.root
    indices = np.random.default_rng(0).permutation(len(dataset)).tolist()
    batch = dataset.__getitems__(indices)
    count = clip_len or 1
    assert batch['keypoint_labels'].shape == (
        len(dataset),
        count + seq_len - 1,
        dataset.skeleton.num_joints,
        2 + ('+' in source),
    )
    assert len(dataset) == (101 if clip_len is None else 26)
    for n, (clip, start, _) in enumerate(dataset.data_list[indices]):
        rows = dataset.annotation.sequences[clip].rows
        first = start - (seq_len - 1 if causal else seq_len // 2)
        seen = positions[rows[np.arange(first, first + count + seq_len - 1).clip(0, len(rows) - 1)]]
        target = positions[rows[start : start + count]]
        # targets are the motion, turned and moved
        joints, labels = batch['lifting_target'][n].numpy(), batch['keypoint_labels'][n].numpy()
        _, _, difference = procrustes(target.reshape(-1, 3), joints.reshape(-1, 3))
        assert difference < 1e-9
        moved = target.reshape(-1, 3) - target.reshape(-1, 3).mean(0)
        turn = np.linalg.lstsq(moved, joints.reshape(-1, 3) - joints.reshape(-1, 3).mean(0), rcond=None)[0]
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-4)
        assert np.linalg.det(turn) > 0
        # what is seen are the rays of all frames through the same camera, and their depths
        inside = (seen - target[0, root]) @ turn + joints[0, root]
        np.testing.assert_allclose(labels[..., :2], inside[..., :2] / inside[..., 2:], atol=1e-4)
        if '+' in source:
            np.testing.assert_allclose(labels[..., 2], (inside[..., 2] - inside[:, [root], 2]) / 0.65, atol=1e-4)
        np.testing.assert_allclose(batch['lifting_target_label'][n], joints - joints[:, [root]], atol=1e-5)
    merged = merge_windows(batch)
    assert merged['data_samples'][0].gt_instance_labels.lifting_target_weight.min() == 1


def test_each_window_has_its_camera_and_seeds_decide(motion):
    dataset = motion()
    draws = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        draws.append(dataset.__getitems__([5] * 50)['keypoint_labels'])
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    assert len(np.unique(draws[0][:, 0, 1, 0])) == 50
    for get in (lambda: dataset[5]['keypoint_labels'], lambda: dataset.__getitems__([5])['keypoint_labels'][0]):
        torch.manual_seed(0)
        draws.append(np.asarray(get()))
    np.testing.assert_array_equal(*draws[-2:])


@pytest.mark.parametrize('name', SKELETONS)
def test_bodies_of_other_sizes(name, motion):
    dataset = motion(
        name, body_size=0.2, bone_lengths=0.1, joint_angles=0.0, cameras=dict(distance=(4, 20)), clip_len=20
    )
    torch.manual_seed(0)
    joints = dataset.__getitems__([1] * 400)['lifting_target'].double().numpy()
    skeleton = dataset.skeleton
    before = skeleton.bone_lengths(dataset.annotation.keypoints_3d[:1].astype(float))
    ratios = skeleton.bone_lengths(joints) / before
    np.testing.assert_allclose(ratios, ratios[:, :1].repeat(20, axis=1), rtol=1e-4)  # the same in all frames
    ratios = ratios[:, 0]
    twins = [
        skeleton.bones.index((skeleton.parents[twin], twin))
        for twin in np.array(skeleton.flip_indices)[[j for _, j in skeleton.bones]]
    ]
    np.testing.assert_allclose(ratios, ratios[:, twins], rtol=1e-4)
    assert 0.72 < ratios.min() < 0.78 and 1.26 < ratios.max() < 1.32
    size = np.median(ratios, axis=1)
    assert size.std() == pytest.approx(0.4 / 12**0.5, rel=0.1)
    assert (ratios / size[:, None]).std() == pytest.approx(0.2 / 12**0.5, rel=0.2)
    # who is larger goes farther
    way = np.linalg.norm(joints[:, -1, skeleton.root] - joints[:, 0, skeleton.root], axis=-1)
    assert np.corrcoef(way, size)[0, 1] > 0.9


def test_limbs_held_otherwise(motion):
    dataset = motion(cameras=dict(distance=(4, 20)), clip_len=20, **SAME_BODIES | dict(joint_angles=12.0))
    world = dataset.annotation.keypoints_3d[dataset.annotation.sequences[1].rows[:20]]
    bodies = dataset._other_bodies(torch.from_numpy(world).expand(500, -1, -1, -1)).numpy()
    np.testing.assert_allclose(
        bodies[:, :, [0, 1, 4, 7]], np.broadcast_to(world[:, [0, 1, 4, 7]], (500, 20, 4, 3)), atol=1e-5
    )
    turned = []
    for parts in ((1, 2, 3), (4, 5, 6), (7, 8), (9, 10), (8, 9, 11, 14), (11, 12, 13), (14, 15, 16)):
        before, after = (joints[..., parts[1:], :] - joints[..., parts[:1], :] for joints in (world, bodies))
        lengths = [np.linalg.norm(vectors, axis=-1) for vectors in (before, after)]
        np.testing.assert_allclose(lengths[1], np.broadcast_to(lengths[0], lengths[1].shape), atol=1e-5)
        # the same rotation in all frames: the first two frames' takes all others along
        moved = np.linalg.norm(before[0, 0] - after[:, 0, 0], axis=-1) / lengths[0][0, 0]
        turned.append(moved.mean())
        across = np.einsum('btki,btki->btk', after, after[:, :1]) - np.einsum(
            'tki,tki->tk', before, before[:1].repeat(20, 0)
        )
        np.testing.assert_allclose(across, 0, atol=1e-5)
    # a vector turns by the two components across it; behind the trunk two rotations follow each other
    expected = np.radians(12) * (np.pi / 2) ** 0.5
    np.testing.assert_allclose(turned, expected * np.sqrt([1, 1, 1, 2, 1, 2, 2]), rtol=0.12)


def test_whole_clips_through_the_same_cameras_each_time(motion):
    pack = dict(
        type='PackPoseInputs', meta_keys=('sequence', 'subject', 'action', 'frames', 'camera_param', 'flip_indices')
    )
    dataset = motion(steps=[pack], test_mode=True, views=3, fps=60)
    samples = [dataset[index] for index in range(len(dataset))]
    assert len(samples) == 6 and [len(sample['inputs']) for sample in samples] == [50 + 8] * 3 + [34 + 8] * 3
    torch.manual_seed(7)
    for index, sample in enumerate(samples):
        again = dataset[index]
        assert torch.equal(again['inputs'], sample['inputs'])
        assert sample['data_samples'].subject == f'subject{index // 3}' and sample['data_samples'].action == ''
    assert len({float(sample['inputs'][0, 3, 0]) for sample in samples}) == 6
    for index, sample in enumerate(samples):  # as they are in the file
        truth = sample['data_samples'].gt_instances.lifting_target
        motion_of_it = dataset.annotation.keypoints_3d[dataset.annotation.sequences[index].rows]
        lengths = [dataset.skeleton.bone_lengths(joints) for joints in (truth, motion_of_it)]
        np.testing.assert_allclose(*lengths, atol=1e-5)
    assert len({sample['data_samples'].sequence for sample in samples}) == 6
    meta = dataset.metainfo
    assert meta['cameras'] == [] and not meta['causal'] and meta['normalisation'] == 'rays'
    assert (meta['frame_rate'], meta['root_index'], meta['depth_range']) == (50, 0, 1.3)


def test_workers_draw_different_cameras(motion):
    loader = dict(batch_size=8, num_workers=2, collate_fn=dict(type='merge_windows'))
    dataset = motion(**SAME_BODIES)
    loader.update(dataset=dataset, sampler=dict(type='DefaultSampler', shuffle=False))
    inputs = torch.cat([batch['inputs'] for batch in Runner.build_dataloader(loader, seed=0)])
    assert inputs.shape == (101, 9, 17, 3) and len(inputs[:, 4, 1, 0].unique()) == 101


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(input_source='2d'), "unknown input_source '2d'"),
        (dict(codec=dict(normalisation='image_width')), "normalisation='rays'"),
        (dict(seq_len=61), 'longer than any video'),
        (dict(body_size=15), 'body_size of MotionDataset'),
        (dict(bone_lengths=-0.1), 'bone_lengths of MotionDataset'),
        (dict(joint_angles=90), 'joint_angles of MotionDataset'),
        (dict(frame_rate=0), 'frame_rate of MotionDataset'),
        (dict(views=0, test_mode=True), 'views of MotionDataset'),
        (dict(subjects=['S1']), "no subject 'S1'"),
        (dict(cameras=dict(distance=(5, 2))), 'low before high'),
        (dict(motion_file='other.npz'), 'no motion file'),
    ],
)
def test_bad_arguments(changes, message, motion):
    with pytest.raises(InputError, match=message):
        motion(**changes)
