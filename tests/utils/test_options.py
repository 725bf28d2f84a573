import math

import numpy as np
import pytest

from depth_refine.utils.errors import InputError
from depth_refine.utils.options import require_number


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
