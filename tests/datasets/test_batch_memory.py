import pytest
import torch

from depth_refine.datasets.batch_memory import BatchMemory


@pytest.fixture
def memory():
    return BatchMemory(torch.device('cpu'))


@pytest.mark.parametrize('dtype', [torch.float32, torch.int64, torch.bool])
def test_shape_and_type(memory, dtype):
    tensor = memory.empty((3, 5, 2), dtype)
    assert tensor.shape == (3, 5, 2) and tensor.dtype == dtype and tensor.is_contiguous()
    values = torch.arange(30).view(3, 5, 2).to(dtype)
    assert torch.equal(tensor.copy_(values), values)


def test_what_nobody_holds_is_given_out_again(memory):
    first = memory.empty((100, 7), torch.float32)
    place = first.data_ptr()
    del first
    smaller = memory.empty((33, 2), torch.float32)
    assert smaller.data_ptr() == place
    assert memory.empty((100, 7), torch.float32).data_ptr() != place


def test_what_somebody_holds_is_left_alone(memory):
    whole = memory.empty((4, 3), torch.float32).fill_(1)
    view, other = whole[1:].flatten(), memory.empty((4, 3), torch.float32).fill_(2)
    weight = torch.ones(4, 3, requires_grad=True)
    product = (weight * other).sum()  # its gradient needs ``other``
    del whole, other
    memory.empty((4, 3), torch.float32).fill_(3)
    product.backward()
    assert (view == 1).all() and (weight.grad == 2).all()


def test_a_larger_block_takes_the_place_of_a_smaller_one(memory):
    for size in (10, 1000, 20, 1000):
        memory.empty((size,), torch.float32).fill_(0)
        assert len(memory._free) == 1
    place = memory.empty((5,), torch.float32).data_ptr()
    assert memory.empty((1000,), torch.float32).data_ptr() == place


def test_other_devices_keep_their_own():
    tensor = BatchMemory(torch.device('meta')).empty((2, 3), torch.float32)
    assert tensor.device.type == 'meta' and tensor.shape == (2, 3)
