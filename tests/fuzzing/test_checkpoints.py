"""Checkpoints, ours and those to be converted."""

import io

import numpy as np
import pytest
import torch
from mmengine.runner import CheckpointLoader

from depth_refine.data_tools.conversion import convert_checkpoint
from depth_refine.datasets.npz_stream import MAX_COMPRESSION
from depth_refine.utils.compat import load_from_file
from depth_refine.utils.errors import InputError


def saved(content, zipped=True):
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def videopose3d(channels=4):
    """Weights of VideoPose3D's network with one block."""
    torch.manual_seed(0)
    shapes = {'expand_conv.weight': (channels, 34, 3), 'shrink.weight': (51, channels, 1), 'shrink.bias': (51,)}
    shapes |= {'layers_conv.0.weight': (channels, channels, 3), 'layers_conv.1.weight': (channels, channels, 1)}
    for norm in ('expand_bn', 'layers_bn.0', 'layers_bn.1'):
        shapes |= {f'{norm}.{name}': (channels,) for name in ('weight', 'bias', 'running_mean', 'running_var')}
    return {name: torch.rand(shape) for name, shape in shapes.items()}


CHECKPOINT = dict(
    meta=dict(epoch=3, seed=1, cfg='model = 1'),
    state_dict=dict(weight=torch.arange(12.0).reshape(3, 4), bias=torch.ones(3)),
    message_hub=dict(numbers=np.arange(4.0)),
)


def check_weights(expected, weights):
    assert expected.keys() == weights.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize('load', [load_from_file, CheckpointLoader.load_checkpoint], ids=['ours', 'mmengine'])
@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])
def test_checkpoint_bytes(fuzz, damaged, tmp_path, zipped, load):
    path = tmp_path / 'epoch_3.pth'

    def judge(_, checkpoint):
        """The zip file's checksum holds for weights; a legacy file has none, and as many numbers as it has bytes."""
        weights = checkpoint.get('state_dict', checkpoint)
        if zipped:
            check_weights({name: weights[name] for name in weights}, CHECKPOINT['state_dict'] | weights)
        tensors = [weight for weight in weights.values() if isinstance(weight, torch.Tensor)]
        assert tensors and sum(tensor.untyped_storage().nbytes() for tensor in tensors) <= 2 * path.stat().st_size

    content = saved(CHECKPOINT, zipped)
    fuzz(damaged.bytes(content), path.write_bytes, lambda: load(str(path), map_location='cpu'), judge, names=path)


def test_checkpoint_tree(fuzz, damaged, tmp_path):
    path = tmp_path / 'epoch_3.pth'

    def judge(case, checkpoint):
        expected = case.get('state_dict', case)
        check_weights(
            {name: value for name, value in expected.items() if isinstance(value, torch.Tensor)},
            {name: v for name, v in checkpoint.get('state_dict', checkpoint).items() if isinstance(v, torch.Tensor)},
        )

    fuzz(
        damaged.tree(CHECKPOINT),
        lambda case: path.write_bytes(saved(case)),
        lambda: load_from_file(str(path)),
        judge,
        names=path,
    )


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])
def test_conversion_bytes(fuzz, damaged, tmp_path, zipped):
    path, out = tmp_path / 'pretrained.bin', tmp_path / 'refiner.pth'

    def read():
        out.unlink(missing_ok=True)
        return convert_checkpoint(path, out, 'videopose3d')

    def judge(_, converted):
        shape, _ = converted
        weights = torch.load(out, weights_only=True)['state_dict']
        assert shape.receptive_field == 9 and weights['backbone.input_conv.conv.weight'].shape == (4, 34, 3)
        if zipped:
            torch.testing.assert_close(weights['head.conv.bias'], videopose3d()['shrink.bias'], rtol=0, atol=0)
        assert sorted(item.name for item in tmp_path.iterdir()) == ['pretrained.bin', 'refiner.pth']

    content = saved(dict(model_pos=videopose3d(), epoch=80), zipped)
    fuzz(damaged.bytes(content), path.write_bytes, read, judge, names=path)


def test_conversion_tree(fuzz, damaged, tmp_path):
    path, out = tmp_path / 'pretrained.bin', tmp_path / 'refiner.pth'

    def judge(case, _):
        weights = torch.load(out, weights_only=True)['state_dict']
        for theirs, ours in (('shrink.bias', 'head.conv.bias'), ('expand_bn.bias', 'backbone.input_conv.norm.bias')):
            torch.testing.assert_close(weights[ours], case['model_pos'][theirs], rtol=0, atol=0)

    fuzz(
        damaged.tree(dict(model_pos=videopose3d(), epoch=80)),
        lambda case: path.write_bytes(saved(case)),
        lambda: convert_checkpoint(path, out, 'videopose3d'),
        judge,
        names=path,
    )


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])
def test_a_billion_weights_in_a_kilobyte(tmp_path, limits, zipped):
    """The count in the pickle is not that of the bytes behind it."""
    path, count = tmp_path / 'epoch_3.pth', b'K\x0c'  # BININT1 12
    content = saved(dict(weight=torch.arange(12.0)), zipped)
    assert content.count(count) >= 1 and len(content) < MAX_COMPRESSION * 10
    path.write_bytes(content.replace(count, b'J\xff\xff\xff\x7f'))
    with limits(), pytest.raises(InputError, match=r'epoch_3\.pth'):
        load_from_file(str(path))
