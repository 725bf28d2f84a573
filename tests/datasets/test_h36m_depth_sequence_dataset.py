import numpy as np
import pytest
from mmpose.registry import DATASETS

from depth_refine.datasets import H36MAnnotation, write_sequence_store
from depth_refine.utils.errors import InputError

MIRROR = dict(center_mode='static', center_x=0.0)
PIPELINE = [
    dict(type='GenerateTarget', encoder=dict(type='DepthSequenceLifting')),
    dict(type='PackPoseInputs', meta_keys=('target_img_path', 'sequence')),
]


@pytest.fixture(scope='module')
def store(data_root, tmp_path_factory):
    """A store whose coordinates say which row they belong to."""
    folder = data_root / 'annotation_body3d'
    annotation = H36MAnnotation(folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl')
    path = tmp_path_factory.mktemp('stores') / 'train'
    rows = np.arange(len(annotation))
    keypoints = np.broadcast_to(rows[:, None, None], (len(rows), 17, 3)) * [1, 1, 1 / 64] + [0.0, 0.25, 0.5]
    with write_sequence_store(path, annotation, 'annotation', {}) as writer:
        writer.write(rows, keypoints, np.ones((len(rows), 17)))
    return path


def build(data_root, **changes):
    cfg = dict(
        type='H36MDepthSequenceDataset',
        data_root=str(data_root),
        ann_file='annotation_body3d/fps50/h36m_train.npz',
        input_source='gt2d',
        seq_len=5,
    )
    return DATASETS.build(dict(cfg, **changes))


def rows_of(sample):
    return sample['keypoints'][:, 0, 0].astype(int).tolist()


def test_every_frame_is_the_target_of_one_window(data_root, store):
    dataset = build(data_root, input_source='2d+depth', depth_store=store)
    assert len(dataset) == 96
    targets = [dataset.get_data_info(i)['img_ids'].item() for i in range(96)]
    assert sorted(targets) == list(range(96))


def test_frame_step_thins_out_the_targets_not_the_windows(data_root, store):
    dataset = build(data_root, input_source='2d+depth', depth_store=store, frame_step=5)
    samples = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert [sample['img_ids'].item() % 12 for sample in samples] == [0, 5, 10] * 8  # videos of 12 frames
    assert rows_of(samples[1]) == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ('test_mode', 'expected'),
    [(True, [range(0, 5), range(5, 10), range(10, 12)]), (False, [range(0, 5), range(5, 10), range(7, 12)])],
)
def test_clips(data_root, store, test_mode, expected):
    changes = dict(seq_len=1, clip_len=5, test_mode=test_mode)
    dataset = build(data_root, input_source='2d+depth', depth_store=store, **changes)
    rows = dataset.annotation.sequences[1].rows
    samples = [dataset.get_data_info(i) for i in range(3, 6)]
    for sample, positions in zip(samples, expected, strict=True):
        assert sample['img_ids'].tolist() == rows[list(positions)].tolist() == rows_of(sample)
        assert sample['lifting_target'].shape == (len(positions), 17, 3)
    assert len(dataset) == 8 * 3


def test_clip_with_a_receptive_field_reads_beyond_its_targets(data_root, store):
    dataset = build(data_root, input_source='2d+depth', depth_store=store, seq_len=3, clip_len=5)
    assert rows_of(dataset.get_data_info(0)) == [0, 0, 1, 2, 3, 4, 5]
    assert rows_of(dataset.get_data_info(2)) == [6, 7, 8, 9, 10, 11, 11]


def test_video_shorter_than_a_training_clip(data_root, store, tmp_path):
    dataset = build(data_root, input_source='2d+depth', depth_store=store, seq_len=1, clip_len=5)
    short = dataset.annotation.sequences[0]._replace(rows=np.arange(3))
    dataset.annotation.sequences[0] = short
    dataset.data_list = dataset.sample_ids()
    assert rows_of(dataset.get_data_info(0)) == dataset.get_data_info(0)['img_ids'].tolist() == [0, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ('causal', 'expected'),
    [
        (False, {0: [0, 0, 0, 1, 2], 5: [3, 4, 5, 6, 7], 11: [9, 10, 11, 11, 11]}),
        (True, {0: [0, 0, 0, 0, 0], 5: [1, 2, 3, 4, 5], 11: [7, 8, 9, 10, 11]}),
    ],
)
def test_windows_stay_in_their_video_and_repeat_its_ends(data_root, store, causal, expected):
    dataset = build(data_root, input_source='2d+depth', depth_store=store, causal=causal)
    for video in (0, 3):
        rows = dataset.annotation.sequences[video].rows
        for position, window in expected.items():
            sample = dataset.build_sample(np.array([video, position, 1]))
            assert rows_of(sample) == rows[window].tolist()
            np.testing.assert_array_equal(sample['lifting_target'][0], dataset.annotation.keypoints_3d[rows[position]])


@pytest.mark.parametrize('causal', [False, True])
def test_test_mode_gives_whole_videos_that_agree_with_the_windows(data_root, store, causal):
    cfg = dict(input_source='2d+depth', depth_store=store, causal=causal)
    windows, videos = build(data_root, **cfg), build(data_root, test_mode=True, **cfg)
    assert len(videos) == 8
    sample = videos.get_data_info(2)
    assert sample['keypoints'].shape == (12 + 4, 17, 3) and sample['lifting_target'].shape == (12, 17, 3)
    for t in range(12):
        window = windows.build_sample(np.array([2, t, 1]))
        np.testing.assert_array_equal(sample['keypoints'][t : t + 5], window['keypoints'])
    assert all(path.startswith(f'{data_root}/images/S1/S1_') for path in sample['target_img_path'])


def test_input_sources(data_root, store):
    samples = {
        source: build(data_root, input_source=source, depth_store=store).get_data_info(20)['keypoints']
        for source in ('2d', '2d+depth', 'gt2d', 'gt2d+gtdepth')
    }
    assert {source: keypoints.shape for source, keypoints in samples.items()} == {
        '2d': (5, 17, 2),
        '2d+depth': (5, 17, 3),
        'gt2d': (5, 17, 2),
        'gt2d+gtdepth': (5, 17, 3),
    }
    np.testing.assert_array_equal(samples['2d+depth'][2, 0], [20, 20.25, 0.8125])
    np.testing.assert_array_equal(samples['2d'], samples['2d+depth'][..., :2])
    annotation = build(data_root).annotation
    np.testing.assert_array_equal(samples['gt2d'][2], annotation.keypoints[20])
    np.testing.assert_array_equal(samples['gt2d+gtdepth'][..., :2], samples['gt2d'])
    joints = annotation.keypoints_3d[20]
    np.testing.assert_array_equal(samples['gt2d+gtdepth'][2, :, 2], joints[:, 2] - joints[0, 2])


def test_packed_sample(data_root):
    item = build(data_root, input_source='gt2d+gtdepth', pipeline=PIPELINE, test_mode=True)[0]
    assert item['inputs'].shape == (16, 17, 3)
    assert item['data_samples'].gt_instances.lifting_target.shape == (12, 17, 3)
    assert item['data_samples'].gt_instance_labels.lifting_target_label.shape == (12, 17, 3)


def test_flip_of_mmpose_mirrors_labels_exactly(data_root):
    flip = dict(type='RandomFlipAroundRoot', keypoints_flip_cfg=MIRROR, target_flip_cfg=MIRROR, flip_label=True)
    plain, flipped = (
        build(data_root, input_source='gt2d+gtdepth', pipeline=[PIPELINE[0], dict(flip, flip_prob=p), PIPELINE[1]])[9]
        for p in (-1.0, 1.0)
    )
    swap, sign = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13], np.array([-1, 1, 1], np.float32)
    np.testing.assert_allclose(flipped['inputs'].numpy(), plain['inputs'].numpy()[:, swap] * sign)
    labels = [item['data_samples'].gt_instance_labels.lifting_target_label.numpy() for item in (plain, flipped)]
    np.testing.assert_allclose(labels[1], labels[0][:, swap] * sign, atol=1e-6)


def test_a_sample_never_changes_the_source(data_root, store):
    dataset = build(data_root, input_source='2d+depth', depth_store=store)
    dataset.get_data_info(0)['keypoints'][:] = -1
    dataset.get_data_info(0)['lifting_target'][:] = -1
    assert rows_of(dataset.get_data_info(0)) == [0, 0, 0, 1, 2]
    assert (dataset.get_data_info(0)['lifting_target'] != -1).any()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(input_source='2.5d'), r"unknown input_source '2.5d': expected one of \('2d', '2d\+depth', '"),
        (dict(input_source='2d'), "input_source '2d' needs depth_store"),
        (
            dict(seq_len=13),
            r'the receptive field, 13 frames, is longer than any video of .*h36m_train.npz \(at most 12',
        ),
        (dict(input_source='2d', depth_store='nowhere'), 'no depth sequence store at .*nowhere'),
    ],
)
def test_wrong_arguments(data_root, changes, message):
    with pytest.raises(InputError, match=message):
        build(data_root, **changes)


def test_store_of_another_annotation(data_root, store):
    with pytest.raises(InputError, match=r'belongs to another annotation: .*h36m_test.npz has'):
        build(data_root, ann_file='annotation_body3d/fps50/h36m_test.npz', input_source='2d', depth_store=store)


def test_bounding_boxes_must_be_those_of_the_store(data_root, store):
    for policy in ('annotation', None):
        dataset = build(data_root, input_source='2d+depth', depth_store=store, bbox_policy=policy)
        assert dataset.get_data_info(0)['bbox_policy'] == 'annotation'
    with pytest.raises(InputError, match=r"made under the bounding boxes 'annotation', but .* bbox_policy='pelvis_2m'"):
        build(data_root, input_source='2d', depth_store=store, bbox_policy='pelvis_2m')
    assert build(data_root, bbox_policy='pelvis_2m').get_data_info(0)['bbox_policy'] == 'not needed'


def test_store_without_depth(data_root, tmp_path):
    folder = data_root / 'annotation_body3d'
    annotation = H36MAnnotation(folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl')
    keypoints = np.full((96, 17, 3), np.nan)
    keypoints[..., :2] = 7
    with write_sequence_store(tmp_path / 'cpn', annotation, 'published', {}, has_depth=False) as writer:
        writer.write(np.arange(96), keypoints, np.ones((96, 17)))
    sample = build(data_root, input_source='2d', depth_store=tmp_path / 'cpn').get_data_info(3)
    assert sample['keypoints'].shape == (5, 17, 2) and (sample['keypoints'] == 7).all()
    with pytest.raises(InputError, match="cpn has no depths, only 2D poses: use it with input_source='2d'"):
        build(data_root, input_source='2d+depth', depth_store=tmp_path / 'cpn')


def test_spread_of_the_depth_as_fourth_channel(data_root, store, tmp_path):
    folder = data_root / 'annotation_body3d'
    annotation = H36MAnnotation(folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl')
    rows = np.arange(96)
    std = rows[:, None] + np.arange(17) / 100
    with write_sequence_store(tmp_path / 'std', annotation, 'annotation', {}, has_depth_std=True) as writer:
        writer.write(rows, np.full((96, 17, 3), 2.5), np.ones((96, 17)), std)
    dataset = build(data_root, input_source='2d+depth+std', depth_store=tmp_path / 'std', pipeline=PIPELINE)
    sample = dataset.get_data_info(3)
    assert sample['keypoints'].shape == (5, 17, 4)
    np.testing.assert_allclose(sample['keypoints'][2, :, 3], sample['img_ids'].item() + np.arange(17) / 100)
    # normalised like the depth
    np.testing.assert_allclose(dataset[3]['inputs'][2, 4, 3], (sample['img_ids'].item() + 0.04) / 0.75)
    with pytest.raises(InputError, match='train does not say how sure the depths are: extract again'):
        build(data_root, input_source='2d+depth+std', depth_store=store)
