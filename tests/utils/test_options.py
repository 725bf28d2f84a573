import math

import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number


@pytest.mark.parametrize(
    ('value', 'whole'), [(0, False), (1, True), (0.5, False), (np.float32(0.25), False), (np.int64(1), True)]
)
def test_numbers_in_range(value, whole):
    require_number('p of X', value, 0, 1, whole)


@pytest.mark.parametrize('value', [-0.1, 1.1, math.nan, math.inf, '1', None, True, [1], 10**400])
def test_others(value):
    with pytest.raises(InputError, match=r'p of X: expected a number from 0 to 1, got '):
        require_number('p of X', value, 0, 1)


def test_whole_numbers_without_a_limit():
    with pytest.raises(InputError, match=r'n of X: expected a whole number of at least 1, got 2\.0'):
        require_number('n of X', 2.0, 1, whole=True)
