import math

import numpy as np
import pytest
import torch

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number, usable_device


def test_numbers():
    for value in (0, 0.5, np.float32(0.25)):
        require_number('p of X', value, 0, 1)
    require_number('n of X', np.int64(1), 1, whole=True)
    with pytest.raises(InputError, match=r'n of X: expected a whole number of at least 1, got 2\.0'):
        require_number('n of X', 2.0, 1, whole=True)


@pytest.mark.parametrize('value', [-0.1, 1.1, math.nan, math.inf, '1', None, True, [1], 10**400])
def test_what_is_no_number_of_the_range(value):
    with pytest.raises(InputError, match=r'p of X: expected a number from 0 to 1, got '):
        require_number('p of X', value, 0, 1)


@pytest.mark.parametrize(
    ('device', 'count', 'expected'),
    [
        ('cpu', 0, 'cpu'),
        (torch.device('cuda', 1), 2, 'cuda:1'),
        ('cuda', 1, 'cuda'),
        ('cuda:1', 1, "device 'cuda:1': expected one that PyTorch finds on this machine, of cpu, cuda, cuda:0$"),
        ('mps', 1, "device 'mps': expected"),
        (1.5, 1, "device '1.5': expected"),
    ],
)
def test_devices_that_are_there(monkeypatch, device, count, expected):
    monkeypatch.setattr(torch.accelerator, 'is_available', lambda: count > 0)
    monkeypatch.setattr(torch.accelerator, 'current_accelerator', lambda: torch.device('cuda'))
    monkeypatch.setattr(torch.accelerator, 'device_count', lambda: count)
    if 'expected' in expected:
        with pytest.raises(InputError, match=expected):
            usable_device(device)
    else:
        assert str(usable_device(device)) == expected
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)
    assert usable_device().type == ('cuda' if count else 'cpu')
