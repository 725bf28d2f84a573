import json

import pytest
from reproduction.result_files import check_result, read_json

from depth_refine.utils.errors import InputError

RESULT = dict(metrics={'h36m/MPJPE_mm': 41.5}, by_action=dict(Walking=dict(MPJPE=41.5)))


def test_what_was_written(tmp_path):
    (tmp_path / 'result.json').write_text(json.dumps(RESULT))
    assert read_json(tmp_path / 'result.json') == RESULT
    check_result(tmp_path / 'result.json', RESULT)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'is not a readable JSON file'),
        ('[' * 100_000, 'is not a readable'),
        ('[1]', 'a JSON object, got list'),
    ],
)
def test_damaged_files(tmp_path, text, message):
    with pytest.raises(InputError, match=r'result\.json is not a readable JSON file'):
        read_json(tmp_path / 'result.json')
    (tmp_path / 'result.json').write_text(text)
    with pytest.raises(InputError, match=rf'result\.json.*{message}'):
        read_json(tmp_path / 'result.json')


@pytest.mark.parametrize(
    'changes',
    [
        dict(metrics=None),
        dict(metrics={}),
        dict(metrics=dict(a=float('nan'))),
        dict(metrics=dict(a='41')),
        dict(metrics=dict(a=True)),
        dict(metrics=dict(a=10**400)),
        dict(by_action=dict(Walking=3)),
        dict(by_action=dict(Walking=dict(MPJPE=float('inf')))),
    ],
)
def test_numbers_that_are_none(tmp_path, changes):
    with pytest.raises(InputError, match=r"result\.json: expected finite numbers in 'metrics' and 'by_action', got"):
        check_result(tmp_path / 'result.json', RESULT | changes)
