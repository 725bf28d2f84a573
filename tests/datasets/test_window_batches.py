"""Batches of windows against the windows one by one."""

import contextlib

import numpy as np
import pytest
import torch
from mmpose.registry import DATASETS, TRANSFORMS
from torch.overrides import TorchFunctionMode
from torch.utils.data import DataLoader

from depth_refine.datasets import H36MAnnotation, merge_windows, write_sequence_store
from depth_refine.datasets.window_gatherer import WindowGatherer
from depth_refine.utils.errors import InputError

TARGET = dict(type='GenerateSequenceTarget', encoder=dict(type='DepthSequenceLifting', depth_range=1.3))
LABELS = ('keypoint_labels', 'lifting_target_label', 'lifting_target_weight', 'trajectory_weights')


@pytest.fixture(scope='module')
def store(data_root, tmp_path_factory):
    folder = data_root / 'annotation_body3d'
    annotation = H36MAnnotation(folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl')
    path, rng = tmp_path_factory.mktemp('stores') / 'train', np.random.default_rng(0)
    with write_sequence_store(path, annotation, 'annotation', {}, has_depth_std=True) as writer:
        shape = (len(annotation), 17)
        writer.write(
            np.arange(len(annotation)), rng.uniform(-2.9, 2.9, (*shape, 3)), rng.random(shape), rng.random(shape) + 0.1
        )
    return path


class PretendedAccelerator(TorchFunctionMode):
    """All tensors of the CPU say that they are on an accelerator, and what is to be made there is made on the CPU."""

    device = torch.device('lazy')

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func == torch.Tensor.device.__get__:
            return self.device
        args = [torch.device('cpu') if isinstance(arg, torch.device) else arg for arg in args]
        kwargs = {name: 'cpu' if name == 'device' else value for name, value in (kwargs or {}).items()}
        return func(*args, **kwargs)


@pytest.fixture(params=['CPU', 'accelerator'])
def processor(request):
    """Does on the CPU what accelerators do differently: other random numbers, and whole batches at a time."""
    with PretendedAccelerator() if request.param == 'accelerator' else contextlib.nullcontext():
        yield


def build(data_root, store, **changes):
    cfg = dict(
        type='H36MDepthSequenceDataset',
        data_root=str(data_root),
        ann_file='annotation_body3d/fps50/h36m_train.npz',
        input_source='2d+depth',
        depth_store=store,
        seq_len=5,
        pipeline=[TARGET],
    )
    return DATASETS.build(dict(cfg, **changes))


def hide_batches(dataset):
    """The same data set made sample by sample."""
    dataset.pipeline.transforms.append(dict)  # a step that copies, and knows nothing of batches
    return dataset


def hide_a_joint(dataset):
    """The right foot is not seen, the left one is."""
    visible = dataset.annotation.keypoints_3d_visible.copy()
    visible[5:20, 3] = 0
    dataset.annotation.keypoints_3d_visible = visible


@pytest.mark.parametrize('prob', [0.0, 1.0])
@pytest.mark.parametrize(
    'changes',
    [
        *(dict(input_source=source) for source in ('2d', '2d+depth', '2d+depth+std', 'gt2d', 'gt2d+gtdepth')),
        dict(causal=True),
        dict(seq_len=1),
        dict(seq_len=1, clip_len=7),
        dict(seq_len=12, frame_step=5),
    ],
)
@pytest.mark.usefixtures('processor')
def test_equal_to_the_windows_one_by_one(data_root, store, changes, prob):
    pipeline = [TARGET, dict(type='RandomSequenceFlip', prob=prob)]
    dataset = build(data_root, store, pipeline=pipeline, **changes)
    hide_a_joint(dataset)
    order = np.random.default_rng(1).permutation(len(dataset))[:150].tolist()  # more than a part of a transform
    batch, samples = dataset.__getitems__(order), hide_batches(build(data_root, store, pipeline=pipeline, **changes))
    hide_a_joint(samples)
    expected = samples.__getitems__(order)
    for key in LABELS:
        np.testing.assert_allclose(batch[key].numpy(), np.stack([s[key] for s in expected]), atol=2e-6, err_msg=key)
    merged, one_by_one = merge_windows(batch), merge_windows(expected)
    torch.testing.assert_close(merged['inputs'], one_by_one['inputs'], atol=2e-6, rtol=0)
    labels, others = (m['data_samples'][0].gt_instance_labels for m in (merged, one_by_one))
    assert set(labels.keys()) == set(others.keys())
    for key, value in labels.items():
        torch.testing.assert_close(value, others[key], atol=2e-6, rtol=0)


@pytest.mark.usefixtures('processor')
def test_rows_in_any_order():
    numbers = torch.arange(60.0).reshape(20, 3)
    videos = [np.arange(4, 11), np.array([19, 3, 12, 0, 1])]
    gatherer = WindowGatherer(dict(a=numbers), videos)
    which, starts = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([0, -2, 6, 1, -9, 4])
    windows = gatherer.gather('a', which, starts, 3)
    rows = [[4, 5, 6], [4, 4, 4], [10, 10, 10], [3, 12, 0], [19, 19, 19], [1, 1, 1]]
    torch.testing.assert_close(windows, numbers[torch.tensor(rows)])
    torch.testing.assert_close(gatherer.gather('a', which[3:], starts[3:], 3), numbers[torch.tensor(rows[3:])])
    torch.testing.assert_close(gatherer.gather('a', torch.tensor([0]), torch.tensor([0]), 7), numbers[None, 4:11])


def test_through_a_loader_with_workers(data_root, store):
    dataset = build(data_root, store)
    loader = DataLoader(dataset, 40, num_workers=2, collate_fn=merge_windows)
    inputs = torch.cat([batch['inputs'] for batch in loader])
    expected = np.stack([dataset[i]['keypoint_labels'] for i in range(len(dataset))])
    np.testing.assert_allclose(inputs.numpy(), expected, atol=2e-6)


@pytest.mark.parametrize(('indices', 'chosen'), [([7, 3, 40], [7, 3, 40]), (5, range(5)), (-6, range(-6, 0))])
def test_some_of_the_samples(data_root, store, indices, chosen):
    dataset, complete = build(data_root, store, indices=indices), build(data_root, store)
    for subset in (dataset, complete.get_subset(indices)):
        assert len(subset) == len(chosen)
        batch, expected = subset.__getitems__([2, 0]), complete.__getitems__([chosen[2], chosen[0]])
        for key in LABELS:
            torch.testing.assert_close(batch[key], expected[key], rtol=0, atol=0)


def test_a_batch_that_is_held_is_not_written_again(data_root, store):
    dataset = build(data_root, store)
    batches = [dataset.__getitems__([index])['keypoint_labels'] for index in range(20)]
    for index, labels in enumerate(batches):
        np.testing.assert_allclose(labels[0].numpy(), dataset[index]['keypoint_labels'], atol=2e-6)


@pytest.mark.usefixtures('processor')
def test_half_of_the_windows_are_mirrored(data_root, store):
    pipeline = [TARGET, dict(type='RandomSequenceFlip')]
    dataset, plain = build(data_root, store, pipeline=pipeline), build(data_root, store)
    torch.manual_seed(0)
    indices = list(range(len(dataset))) * 20
    batch, expected = dataset.__getitems__(indices), plain.__getitems__(indices)
    inputs, targets = (
        (batch[key] != expected[key]).flatten(1).any(1) for key in ('keypoint_labels', 'lifting_target_label')
    )
    assert torch.equal(inputs, targets)
    assert abs(inputs.float().mean() - 0.5) < 4 * 0.5 / len(indices) ** 0.5
    chances = inputs.view(20, -1).float().mean(0)
    assert chances.min() > 0 and chances.max() < 1  # every window both ways


def noise_of(data_root, store, step, source='2d+depth', repeat=60):
    dataset, plain = build(data_root, store, pipeline=[TARGET, step], input_source=source), build(data_root, store)
    torch.manual_seed(3)
    indices = list(range(len(dataset))) * repeat
    return (dataset.__getitems__(indices)['keypoint_labels'] - plain.__getitems__(indices)['keypoint_labels']).numpy()


@pytest.mark.usefixtures('processor')
def test_noise_of_each_channel(data_root, store):
    noise = noise_of(data_root, store, dict(type='GaussianJointNoise', sigma_2d=0.02, sigma_depth=0.1))
    np.testing.assert_allclose(noise.std(axis=(0, 1, 2)), [0.02, 0.02, 0.1], rtol=0.01)
    np.testing.assert_allclose(noise.mean(axis=(0, 1, 2)), 0, atol=5e-4)
    flat = noise.reshape(len(noise), -1)
    correlations = np.corrcoef(flat.T) - np.eye(flat.shape[1])
    assert np.abs(correlations).max() < 6 / len(noise) ** 0.5  # frames, joints and channels are independent
    depths = noise[..., 2].reshape(len(noise), -1)
    windows = np.corrcoef(depths[:200]) - np.eye(200)
    assert np.abs(windows).max() < 6 / depths.shape[1] ** 0.5


@pytest.mark.usefixtures('processor')
def test_some_windows_get_no_noise(data_root, store):
    noise = noise_of(data_root, store, dict(type='GaussianJointNoise', sigma_depth=0.1, prob=0.3))
    assert (noise[..., :2] == 0).all()
    noisy = (noise != 0).any(axis=(1, 2, 3))
    assert abs(noisy.mean() - 0.3) < 4 * (0.21 / len(noisy)) ** 0.5


@pytest.mark.usefixtures('processor')
def test_lasting_noise(data_root, store):
    step = dict(type='FirstStageNoise', scale=0.5, correlation=0.8)
    noise = noise_of(data_root, store, step, source='2d+depth+std')
    spread = build(data_root, store, input_source='2d+depth+std')
    spread = spread.__getitems__(list(range(len(spread))) * 60)['keypoint_labels'][..., 3].numpy()
    process = noise[..., 2] / (0.5 * spread)
    np.testing.assert_allclose(process.std(axis=(0, 2)), 1, rtol=0.01)
    for lag in range(1, 5):
        np.testing.assert_allclose((process[:, lag:] * process[:, :-lag]).mean(), 0.8**lag, atol=0.01)
    kept = build(data_root, store, pipeline=[TARGET, dict(step, keep_spread=True)], input_source='2d+depth+std')
    assert kept.__getitems__([3])['keypoint_labels'].shape == (1, 5, 17, 4)


def test_a_batch_never_changes_the_source(data_root, store):
    steps = [TARGET, dict(type='RandomSequenceFlip', prob=1.0), dict(type='GaussianJointNoise', sigma_2d=0.1)]
    dataset = build(data_root, store, pipeline=steps)
    before = [array.copy() for array in (*dataset._inputs, dataset.annotation.keypoints_3d)]
    dataset.__getitems__(list(range(50)))
    for old, new in zip(before, (*dataset._inputs, dataset.annotation.keypoints_3d), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_device_cannot_be_used_from_workers(data_root, store):
    loader = DataLoader(build(data_root, store, device='meta'), 8, num_workers=1, collate_fn=merge_windows)
    with pytest.raises(InputError, match='windows are put together on meta, which needs num_workers=0'):
        next(iter(loader))
    with pytest.raises(InputError, match='needs transforms that can do batches, unlike type'):
        hide_batches(build(data_root, store, device='meta')).__getitems__([0])


def test_flip_probability():
    with pytest.raises(InputError, match=r'prob of RandomSequenceFlip: expected a number from 0 to 1, got 1\.5'):
        TRANSFORMS.build(dict(type='RandomSequenceFlip', prob=1.5))


def test_workers_copy_no_array(data_root, store):
    """Each makes its own gatherer, on the memory of the data set, which has the same addresses in a forked process."""
    dataset = build(data_root, store)

    def describe(batch):
        arrays = dataset._gatherer.arrays
        return [(array.data_ptr(), array.shape, array.untyped_storage().nbytes()) for array in arrays.values()]

    loader = DataLoader(dataset, 8, num_workers=1, collate_fn=describe, multiprocessing_context='fork')
    inputs, target, visible = next(iter(loader))
    assert '_gatherer' not in vars(dataset), 'made in the worker alone'
    assert inputs[0] == dataset._inputs[0].ctypes.data
    assert target[0] == dataset.annotation.keypoints_3d.ctypes.data
    assert visible[1:] == ((len(dataset.annotation), 17), 1), 'one number for all'
