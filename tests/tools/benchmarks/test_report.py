import json

import pytest
from benchmarks.comparison import Result, Spread
from benchmarks.report import markdown, to_json, update_document

from depth_refine.utils.errors import InputError

ROWS = [
    Result(
        'run',
        'frames/s',
        Spread(6543.2, 6400, 6600),
        'P',
        Spread(5000, 5000, 5000),
        Spread(1.307, 1.2, 1.4),
        target=1.1,
        flop_rate=2.5e11,
        share=0.876,
    ),
    Result('weigh', 'MB', Spread(0.71234, 0.7, 0.72), target=0.5, at_most=True, note='heavy'),
    Result('fly', '', peer='Q', note='left out: no wings'),
]


def test_markdown(machine):
    assert markdown(machine, ROWS).splitlines() == [
        f'Measured on {machine}.',
        '',
        "| work | unit | ours | peer | the peer's | ratio | target | of the matrix product | verdict |",
        '| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | --- |',
        '| run | frames/s | 6,543 (6,400–6,600) | P | 5,000 | 1.31 (1.2–1.4) | ≥ 1.1 × | 250 GFLOP/s, 88% | met |',
        '| weigh | MB | 0.712 (0.7–0.72) |  |  |  | ≤ 0.5 |  | **missed** |',
        '| fly |  | – | Q |  |  |  |  |  |',
        '',
        '- weigh: heavy.',
        '- fly: left out: no wings.',
    ]


def test_json(machine):
    content = json.loads(json.dumps(to_json(machine, dict(a=ROWS[:2], b=ROWS[2:]))))
    assert content['machine']['matrix'] == dict(fp32=1e9, bf16=4e9)
    run, weigh = content['sections']['a']
    assert run['ratio'] == dict(median=1.307, low=1.2, high=1.4) and run['met'] is True and run['share'] == 0.876
    assert weigh['theirs'] is None and weigh['met'] is False and weigh['at_most'] is True
    assert content['sections']['b'][0]['note'] == 'left out: no wings'


def test_document(tmp_path):
    path = tmp_path / 'doc.md'
    path.write_text('# A\n<!-- begin a -->\nold\nold\n<!-- end a -->\ntext\n<!-- begin b -->\n<!-- end b -->\nend\n')
    update_document(path, 'a', 'new \\1\n')
    update_document(path, 'b', 'also\n')
    assert path.read_text() == (
        '# A\n<!-- begin a -->\nnew \\1\n<!-- end a -->\ntext\n<!-- begin b -->\nalso\n<!-- end b -->\nend\n'
    )
    with pytest.raises(InputError, match=r"doc\.md has no lines '<!-- begin c -->' and '<!-- end c -->'"):
        update_document(path, 'c', '')
    with pytest.raises(InputError, match=r'absent\.md has no lines'):
        update_document(tmp_path / 'absent.md', 'a', '')
