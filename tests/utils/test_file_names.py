from decimal import Decimal

import pytest

from depth_refine.utils.file_names import decimal_numbers, list_files, may_be_hexadecimal, natural_order


def test_natural_order():
    names = ['a', 'a1b2', 'a1b10', 'A2', 'a9', 'a010', 'a10', 'a²', 'b', '10', '9', '9_2', '9.5']
    expected = ['9', '9.5', '9_2', '10', 'a', 'a1b2', 'a1b10', 'A2', 'a9', 'a010', 'a10', 'a²', 'b']
    assert sorted(names, key=natural_order) == expected


def test_list_files(tmp_path):
    for name in ('10.PNG', '9.png', '._9.png', '.png', '1.txt', '8.tar.gz'):
        (tmp_path / name).touch()
    (tmp_path / '7.png').mkdir()
    assert [path.name for path in list_files(tmp_path, '.png', '.tar.gz')] == ['8.tar.gz', '9.png', '10.PNG']


@pytest.mark.parametrize(
    ('stems', 'numbers'),
    [
        (['t_0.5', 't_0.10', 't_2.0'], ['0.5', '0.1', '2']),
        (['t_0', 't_0.25s', 't_1'], None),  # of two forms
        (['0,25s', '1s', '12,125s'], ['0.25', '1', '12.125']),
        (['1700000000.123456789', '1700000000.123456790'], ['1700000000.123456789', '1700000000.123456790']),
        (['1', '2', '10'], None),
        (['1.1', '1.10', '1.2'], None),  # one value, so these count
        (['1.8', '1.9', '1.10', '2.9', '2.10'], None),
        (['2024.01.05', '2024.01.10'], None),
        (['a_0.5', 'b_0.10'], None),
    ],
)
def test_decimal_numbers(stems, numbers):
    assert decimal_numbers(stems) == (numbers and [Decimal(number) for number in numbers])


@pytest.mark.parametrize(
    ('stems', 'expected'),
    [
        (['8', '9', 'a', 'b', '10'], True),
        (['x_0009', 'x_000A', 'x_0010'], True),
        (['face', 'face8', 'face9'], False),
        (['a', 'b', 'c1'], False),
        (['8', '9', 'mean'], False),
        (['a1', 'a2', 'b1'], False),
    ],
)
def test_names_that_may_be_hexadecimal(stems, expected):
    assert may_be_hexadecimal(stems) == expected
