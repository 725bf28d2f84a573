from operator import itemgetter

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from depth_refine.datasets import SequenceStore, merge_windows
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

TARGET = dict(type='GenerateSequenceTarget', encoder=dict(type='DepthSequenceLifting', depth_range=1.3))
FLIP, PACK = dict(type='RandomSequenceFlip', prob=1.0), dict(type='PackPoseInputs', meta_keys=('sequence',))
VIDEO_POSE = dict(TARGET, encoder=dict(type='VideoPoseLifting', num_keypoints=17))
LABELS = ('keypoint_labels', 'lifting_target_label', 'lifting_target_weight')


class UsersStep:
    """A user's transform, which takes single samples and rejects some of them."""

    def __init__(self, refuse=()):
        self.refuse = refuse

    def __call__(self, results):
        assert isinstance(results['keypoints'], np.ndarray) and results['keypoints'].ndim == 3
        return None if results['sample_idx'] in self.refuse else dict(results, seen=results['sequence'])


def reference(dataset, video, targets, mirrored=False):
    """Labels of the window around some frames of a video, number by number, by :data:`LABELS`."""
    annotation, rows = dataset.annotation, dataset.annotation.sequences[video].rows
    store = SequenceStore(dataset.depth_store, annotation)
    before = dataset.seq_len - 1 if dataset.frames_before == dataset.seq_len - 1 else dataset.seq_len // 2
    width, height = (annotation.cameras[video][key] for key in 'wh')
    inputs = []
    for position in range(targets[0] - before, targets[0] - before + len(targets) + dataset.seq_len - 1):
        row = rows[min(max(position, 0), len(rows) - 1)]
        truth, predicted = annotation.keypoints_3d[row], store.keypoints[row]
        u, v = (annotation.keypoints[row] if dataset.input_source.startswith('gt') else predicted[:, :2]).T
        depth = truth[:, 2] - truth[0, 2] if dataset.input_source.startswith('gt') else predicted[:, 2]
        channels = [2 * u / width - 1, (2 * v - height) / width, depth / 0.65, store.depth_std[row] / 0.65]
        inputs.append(np.stack(channels[: {'2d+depth+std': 4, '2d': 2, 'gt2d': 2}.get(dataset.input_source, 3)], -1))
    rows = [rows[min(position, len(rows) - 1)] for position in targets]
    poses = annotation.keypoints_3d[rows] - annotation.keypoints_3d[rows][:, :1]
    labels = [np.array(inputs), poses, annotation.keypoints_3d_visible[rows].astype(np.float32)]
    if mirrored:
        labels = [values[:, list(H36M.flip_indices)] for values in labels]
        for values in labels[:2]:
            values[..., 0] *= -1
    return dict(zip(LABELS, labels, strict=True))


@pytest.mark.parametrize('steps', [[TARGET], [TARGET, FLIP, UsersStep()], [UsersStep(), TARGET, FLIP]])
@pytest.mark.parametrize(
    'changes',
    [
        *(dict(input_source=source) for source in ('2d', '2d+depth+std', 'gt2d', 'gt2d+gtdepth')),
        dict(causal=True),
        dict(seq_len=1),
        dict(seq_len=3, clip_len=7),
        dict(seq_len=12, frame_step=5),
    ],
)
def test_batches_samples_and_their_mixture_against_the_reference(windows, steps, changes):
    dataset = windows(*steps, **changes)
    # unlike in Human3.6M, the rows of a video are not neighbours, and a right foot is not seen while the left one is
    dataset.annotation.sequences[1] = dataset.annotation.sequences[1]._replace(rows=np.r_[22:12:-2, 3, 40:46])
    visible = dataset.annotation.keypoints_3d_visible.copy()
    visible[5:20, 3] = 0
    dataset.annotation.keypoints_3d_visible = visible
    order = np.random.default_rng(1).permutation(len(dataset)).tolist()
    batch = dataset.__getitems__(order)
    assert isinstance(batch, dict) == all(isinstance(step, dict) for step in steps)
    merged = merge_windows(batch)
    labels = merged['data_samples'][0].gt_instance_labels
    assert set(labels.keys()) == set(LABELS[1:]) and merged['inputs'].is_contiguous()
    assert {values.dtype for values in (merged['inputs'], *labels.values())} == {torch.float32}
    got = dict(labels, keypoint_labels=merged['inputs'])
    expected = [
        reference(dataset, video, range(start, start + count), mirrored=FLIP in steps)
        for video, start, count in dataset.data_list[order].tolist()
    ]
    for key in LABELS:
        values = np.stack([labels[key] for labels in expected]).reshape(got[key].shape)
        np.testing.assert_allclose(got[key].numpy(), values, atol=1e-6, err_msg=key)
    sample, first = dataset[order[0]], expected[0]
    for key in LABELS:
        np.testing.assert_allclose(sample[key], first[key], atol=1e-6, err_msg=key)


@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize('last', [TARGET, UsersStep()])
def test_whole_videos_in_test_mode(windows, last, causal):
    dataset = windows(TARGET, last, test_mode=True, causal=causal)
    assert len(dataset) == 8
    sample, again = dataset[2], dataset.__getitems__([1, 2])[1]
    for key, values in reference(dataset, 2, range(12)).items():
        np.testing.assert_allclose(sample[key], values, atol=1e-6)
        np.testing.assert_array_equal(sample[key], again[key])
    assert sample['keypoints'].shape == (12 + 4, 17, 3) and sample['img_ids'].shape == (12,)


def test_what_is_said_of_a_sample(windows, data_root):
    sequence, info = windows().annotation.sequences[3], windows().get_data_info(3 * 12 + 7)
    assert (info['sequence'], info['subject'], info['action']) == (sequence.name, sequence.subject, sequence.action)
    assert (info['sample_idx'], info['test_mode'], info['img_ids'].tolist()) == (43, False, [sequence.rows[7]])
    assert info['bbox_policy'] == 'annotation'
    assert info['camera_param']['id'] == sequence.camera and tuple(info['flip_indices']) == H36M.flip_indices
    assert info['target_img_path'] == [f'{data_root}/images/S1/{sequence.name}/{sequence.name}_000008.jpg']
    assert windows().sample_name(43) == f'{sequence.name}, frame 8'
    packed = windows(TARGET, PACK)[43]
    assert packed['inputs'].shape == (5, 17, 3) and packed['data_samples'].sequence == sequence.name
    assert packed['data_samples'].gt_instances.lifting_target.shape == (1, 17, 3)


@pytest.mark.parametrize(
    ('codec', 'inputs'),
    [
        (dict(type='VideoPoseLifting'), (34, 5)),
        (dict(type='VideoPoseLifting', reshape_keypoints=False, remove_root=True), (5, 17, 2)),
        (dict(type='MotionBERTLabel', concat_vis=True), (5, 17, 3)),
    ],
)
def test_codecs_of_mmpose(windows, codec, inputs):
    noise = dict(type='GaussianJointNoise', sigma_2d=0.1, sigma_depth=0)
    dataset = windows(dict(TARGET, encoder=dict(codec, num_keypoints=17)), noise, input_source='gt2d')
    batch = merge_windows(dataset.__getitems__([0, 50]))
    assert batch['inputs'].shape == (2, *inputs)
    labels = torch.cat([sample.gt_instance_labels.lifting_target_label for sample in batch['data_samples']])
    assert labels.shape == (2, 16 if codec.get('remove_root') else 17, 3)


@pytest.mark.parametrize('codec', ['VideoPoseLifting', 'ImagePoseLifting', 'MotionBERTLabel'])
def test_codecs_that_would_leave_depths_in_metres_are_refused(windows, codec):
    encoder = dict(type=codec, num_keypoints=17, **(dict(root_index=0) if codec == 'ImagePoseLifting' else {}))
    with pytest.raises(
        InputError, match=f"{codec} normalises 2D alone, and input_source '2d\\+depth' has depths in metres"
    ):
        windows(dict(TARGET, encoder=encoder))[0]


def test_another_sample_for_one_that_a_step_refuses(windows):
    dataset = windows(TARGET, UsersStep(refuse=(3, 7)))
    indices = [sample['sample_idx'] for sample in dataset.__getitems__([2, 3, 4])]
    assert indices[::2] == [2, 4] and indices[1] not in (3, 7) and dataset[7]['sample_idx'] not in (3, 7)


def test_windows_and_workers_draw_other_numbers(windows):
    dataset = windows(TARGET, dict(type='GaussianJointNoise', sigma_2d=0.1))
    labels = itemgetter('keypoint_labels')
    loader = DataLoader(dataset, sampler=[7] * 12, batch_size=4, num_workers=2, collate_fn=labels)
    assert len(torch.cat(list(loader)).unique(dim=0)) == 12


def test_neither_the_source_nor_a_batch_is_written_again(windows):
    dataset = windows(TARGET, FLIP, dict(type='GaussianJointNoise', sigma_2d=0.1))
    arrays = (*dataset._inputs, dataset.annotation.keypoints_3d)
    before = [array.copy() for array in arrays]
    first = dataset.__getitems__(list(range(50)))['keypoint_labels']
    kept = first.clone()
    dataset.get_data_info(0)['keypoints'][:] = dataset.get_data_info(0)['lifting_target'][:] = -1
    dataset.__getitems__(list(range(50)))
    assert torch.equal(first, kept)
    for old, new in zip(before, arrays, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ('changes', 'targets'),
    [
        ({}, [[position] for position in range(12)]),
        (dict(frame_step=5), [[0], [5], [10]]),
        (dict(clip_len=5, test_mode=True), [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]]),
        (dict(clip_len=5), [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [7, 8, 9, 10, 11]]),
    ],
)
def test_targets(windows, changes, targets):
    dataset = windows(seq_len=1, **changes)
    dataset.annotation.sequences[7] = dataset.annotation.sequences[7]._replace(rows=np.arange(84, 87))
    dataset.data_list = dataset.sample_ids()
    samples = [dataset.get_data_info(i) for i in range(len(dataset))]
    rows = [sample['img_ids'].tolist() for sample in samples]
    assert rows[: 7 * len(targets)] == [[12 * v + position for position in clip] for v in range(7) for clip in targets]
    if 'clip_len' in changes:  # a short video's only clip
        assert rows[-1] == ([84, 85, 86] if dataset.test_mode else [84, 85, 86, 86, 86])


@pytest.mark.parametrize(('indices', 'chosen'), [([7, 3, 40], [7, 3, 40]), (5, range(5)), (-6, range(-6, 0))])
def test_some_of_the_samples(windows, indices, chosen):
    expected = windows(TARGET).__getitems__([chosen[2], chosen[0]])
    for subset in (windows(TARGET, indices=indices), windows(TARGET).get_subset(indices)):
        assert len(subset) == len(chosen)
        batch = subset.__getitems__([2, 0])
        for key in LABELS:
            assert torch.equal(batch[key], expected[key])


@pytest.mark.parametrize(
    ('steps', 'message'),
    [
        ([TARGET, PACK], 'transforms that take batches, unlike PackPoseInputs'),
        ([VIDEO_POSE], 'unlike GenerateSequenceTarget with VideoPoseLifting'),
        ([TARGET], 'num_workers=0'),
    ],
)
def test_a_device_takes_neither_samples_nor_workers(windows, steps, message):
    dataset = windows(*steps, device='meta', input_source='gt2d')
    loader = DataLoader(dataset, 8, num_workers=message == 'num_workers=0')
    with pytest.raises(InputError, match=f'windows are assembled on meta, which needs .*{message}'):
        next(iter(loader))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(input_source='2.5d'), r"unknown input_source '2.5d': expected one of \('2d', '2d\+depth', '"),
        (dict(depth_store=None), r"input_source '2d\+depth' needs depth_store"),
        (dict(seq_len=13), r'the receptive field, 13 frames, is longer than any video of .*train.npz \(at most 12'),
        (dict(depth_store='nowhere'), 'no depth sequence store at .*nowhere'),
        (dict(ann_file='annotation_body3d/fps50/h36m_test.npz'), r'another annotation: .*h36m_test.npz has'),
        (dict(bbox_policy='pelvis_2m'), "under the bounding boxes 'annotation', but .* bbox_policy='pelvis_2m'"),
    ],
)
def test_wrong_arguments(windows, changes, message):
    with pytest.raises(InputError, match=message):
        windows(**changes)


def test_a_store_without_depths_or_spreads(windows, annotations, make_store, tmp_path):
    keypoints = np.full((96, 17, 3), np.nan)
    keypoints[..., :2] = 7
    cpn = make_store(tmp_path / 'cpn', annotations[0], keypoints, bbox_policy='published', has_depth=False)
    sample = windows(input_source='2d', depth_store=cpn).get_data_info(3)
    assert sample['keypoints'].shape == (5, 17, 2) and (sample['keypoints'] == 7).all()
    assert sample['bbox_policy'] == 'published'
    with pytest.raises(InputError, match="cpn has no depths, only 2D poses: use it with input_source='2d'"):
        windows(depth_store=cpn)
    with pytest.raises(InputError, match='sure has no standard deviations of depths: extract it'):
        windows(input_source='2d+depth+std', depth_store=make_store(tmp_path / 'sure', annotations[0]))
