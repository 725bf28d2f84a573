"""Checkpoints, ours and those to be converted."""

import io

import numpy as np
import pytest
import torch
from mmengine.runner import CheckpointLoader

from depth_refine.data_tools.conversion import convert_checkpoint
from depth_refine.utils.compat import load_from_file
from depth_refine.utils.errors import InputError

CHECKPOINT = dict(
    meta=dict(epoch=3, seed=1, cfg='model = 1'),
    state_dict=dict(weight=torch.arange(12.0).reshape(3, 4), bias=torch.ones(3)),
    message_hub=dict(numbers=np.arange(4.0)),
)
FORMATS = pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])


def saved(content, zipped=True):
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


@pytest.fixture(scope='module')
def videopose3d(channels=4):
    """A checkpoint of VideoPose3D's network with one block."""
    torch.manual_seed(0)
    shapes = {'expand_conv.weight': (channels, 34, 3), 'shrink.weight': (51, channels, 1), 'shrink.bias': (51,)}
    shapes |= {'layers_conv.0.weight': (channels, channels, 3), 'layers_conv.1.weight': (channels, channels, 1)}
    for norm in ('expand_bn', 'layers_bn.0', 'layers_bn.1'):
        shapes |= {f'{norm}.{name}': (channels,) for name in ('weight', 'bias', 'running_mean', 'running_var')}
    return dict(model_pos={name: torch.rand(shape) for name, shape in shapes.items()}, epoch=80)


def tensors_of(checkpoint):
    weights = checkpoint.get('state_dict', checkpoint)
    return {name: value for name, value in weights.items() if isinstance(value, torch.Tensor)}


def check_tree(case, checkpoint):
    torch.testing.assert_close(tensors_of(checkpoint), tensors_of(case), rtol=0, atol=0)


@pytest.mark.parametrize('load', [load_from_file, CheckpointLoader.load_checkpoint], ids=['ours', 'mmengine'])
@FORMATS
def test_checkpoint_bytes(fuzz, tmp_path, zipped, load):
    path = tmp_path / 'epoch_3.pth'

    def judge(_, checkpoint):
        """The zip file's checksum holds for weights; a legacy file has none, and as many numbers as it has bytes."""
        tensors = tensors_of(checkpoint)
        if zipped:
            check_tree(CHECKPOINT['state_dict'] | tensors, tensors)
        assert tensors
        assert sum(tensor.untyped_storage().nbytes() for tensor in tensors.values()) <= 2 * path.stat().st_size

    fuzz.bytes(path, saved(CHECKPOINT, zipped), lambda path: load(str(path), map_location='cpu'), judge)


def test_checkpoint_tree(fuzz, tmp_path):
    fuzz.tree(tmp_path / 'epoch_3.pth', CHECKPOINT, saved, lambda path: load_from_file(str(path)), check_tree)


@pytest.fixture
def convert(tmp_path):
    """A function that converts a checkpoint and returns the network's shape and the weights."""

    def convert(path):
        out = tmp_path / 'refiner.pth'
        out.unlink(missing_ok=True)
        shape, _ = convert_checkpoint(path, out, 'videopose3d')
        assert sorted(item.name for item in tmp_path.iterdir()) == ['pretrained.bin', 'refiner.pth']
        return shape, torch.load(out, weights_only=True)['state_dict']

    return convert


def check_conversion(case, converted):
    shape, weights = converted
    assert shape.receptive_field == 9 and weights['backbone.input_conv.conv.weight'].shape == (4, 34, 3)
    for theirs, ours in (('shrink.bias', 'head.conv.bias'), ('expand_bn.bias', 'backbone.input_conv.norm.bias')):
        torch.testing.assert_close(weights[ours], case['model_pos'][theirs], rtol=0, atol=0)


@FORMATS
def test_conversion_bytes(fuzz, tmp_path, convert, videopose3d, zipped):
    def judge(_, converted):
        assert converted[0].receptive_field == 9
        if zipped:
            check_conversion(videopose3d, converted)

    fuzz.bytes(tmp_path / 'pretrained.bin', saved(videopose3d, zipped), convert, judge)


def test_conversion_tree(fuzz, tmp_path, convert, videopose3d):
    fuzz.tree(tmp_path / 'pretrained.bin', videopose3d, saved, convert, check_conversion)


@FORMATS
def test_a_billion_weights_in_a_kilobyte(tmp_path, limits, zipped):
    """The count in the pickle is not that of the bytes behind it."""
    path, count = tmp_path / 'epoch_3.pth', b'K\x0c'  # BININT1 12
    content = saved(dict(weight=torch.arange(12.0)), zipped)
    assert count in content
    path.write_bytes(content.replace(count, b'J\xff\xff\xff\x7f'))
    with limits(), pytest.raises(InputError, match=r'epoch_3\.pth'):
        load_from_file(str(path))
