from types import SimpleNamespace

import numpy as np
import pytest

from depth_refine.datasets.videos_of_rows import Video, index_image_names, warn_of_leaps
from depth_refine.utils.h36m_names import parse_image_name


def random_names(rng):
    sequences = ['S1_A.54138969', 'S1_A_1.54138969', 'S11_WalkDog 1.1', 'S9_Ação_2.60457274', 'S1_A_12.5', 'S5_x.7']
    endings = ['jpg', 'jp2', 'x_1', '_', 'mp4']
    names = []
    for sequence in rng.choice(sequences, 7):
        folder = rng.choice(['', 'S1/', f'S1/{sequence}/', 'a_1.b_2/'])
        ending, digits = rng.choice(endings, p=[0.6, 0.1, 0.1, 0.1, 0.1]), rng.integers(1, 8)
        first, count = rng.integers(0, 1200), rng.integers(1, 30)
        names += [f'{folder}{sequence}_{frame:0{digits}d}.{ending}' for frame in range(first, first + count)]
    return [*names, 'S5_x.7_٠٠٧.jpg', 'S5_x.7_٧.jpg', 'S5_x.7_٠٠٨.jpg']  # digits of another script


@pytest.mark.parametrize('seed', range(10))
def test_same_as_name_by_name(seed):
    rng = np.random.default_rng(seed)
    names = random_names(rng)
    if seed % 2:
        names = rng.permutation(names).tolist()
    frames, sequence_ids, sequences = index_image_names(np.char.encode(np.array(names), 'utf-8'))
    parsed = [parse_image_name(name) for name in names]
    expected = list(dict.fromkeys(name.sequence for name in parsed))
    assert frames.tolist() == [name.frame for name in parsed] and frames.dtype == sequence_ids.dtype == np.int32
    assert sequence_ids.tolist() == [expected.index(name.sequence) for name in parsed]
    assert sequences == [
        next(Video(*name[:4]) for name in parsed if name.sequence == sequence) for sequence in expected
    ]


@pytest.mark.parametrize(
    ('bad', 'message'),
    [
        (b'S1_A.1_.jpg', "the image name 'S1_A.1_.jpg' is not of the form"),
        (b'S1_A.1_001', "the image name 'S1_A.1_001' is not of the form"),
        (b'', "the image name '' is not of the form"),
        (b'S1_A.1_99999999999.jpg', '99999999999'),
        (b'S1_\xff.1_001.jpg', "'utf-8' codec"),
    ],
)
def test_wrong_names(bad, message):
    with pytest.raises(ValueError, match=f'^row 6: .*{message}'):
        index_image_names(np.array([b'S1_A.1_001.jpg'] * 6 + [bad] * 3))


def test_leaps_of_frame_numbers(monkeypatch):
    told = []
    monkeypatch.setattr('depth_refine.datasets.videos_of_rows.print_log', lambda text, **_: told.append(text))
    frames = np.array([10, 4, 6, 8, 0, 1, 2, 7, 8, 20, 3, 5])
    rows = dict(even=[1, 2, 3, 0], uneven=[4, 5, 6, 7, 8, 9], one=[10], two=[11, 0], none=[])
    videos = [SimpleNamespace(name=name, rows=np.array(each, int)) for name, each in rows.items()]
    warn_of_leaps('a.npz', frames, videos)
    assert len(told) == 1
    assert told[0].startswith('a.npz: frame numbers jump in 1 of 5 videos, in uneven from 8 to 20, and windows')
    warn_of_leaps('a.npz', frames, videos[:1])
    assert len(told) == 1
