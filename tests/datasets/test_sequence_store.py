import json

import numpy as np
import pytest

from depth_refine.datasets import SequenceStore, write_sequence_store
from depth_refine.utils.errors import InputError


@pytest.fixture
def written(tmp_path, annotations, make_store):
    """A store, and the annotation that it belongs to."""
    return make_store(tmp_path / 'stores/store', annotations[0]), annotations[0]


@pytest.mark.parametrize('posix', [True, False])
def test_round_trip_in_any_order(tmp_path, annotations, monkeypatch, posix):
    if not posix:  # Windows and macOS
        monkeypatch.delattr('os.posix_fallocate')
    rng, rows = np.random.default_rng(0), np.random.default_rng(1).permutation(96)
    keypoints, scores, std = (rng.uniform(0, 2.9, (96, 17, *c)).astype(np.float32) for c in ((3,), (), ()))
    meta = dict(config='c.py')
    with write_sequence_store(tmp_path / 'a/store', annotations[0], 'pelvis_2m', meta, has_depth_std=True) as writer:
        for batch in np.array_split(rows, 5):
            writer.write(batch, keypoints[batch], scores[batch], std[batch])
    store = SequenceStore(tmp_path / 'a/store', annotations[0])
    for array, expected in ((store.keypoints, keypoints), (store.scores, scores), (store.depth_std, std)):
        np.testing.assert_array_equal(array, expected)
        assert isinstance(array, np.memmap)
    assert (store.has_depth, store.bbox_policy) == (True, 'pelvis_2m')
    assert store.meta['config'] == 'c.py' and store.meta['annotation']['sha256'] == annotations[0].sha256
    meta_file = tmp_path / 'a/store/store.json'
    meta_file.write_bytes(meta_with(sha256=None, has_depth_std=None)(meta_file.read_bytes()))  # as in older stores
    assert SequenceStore(tmp_path / 'a/store', annotations[0]).depth_std is None
    assert np.load(tmp_path / 'a/store/frame_names.npy')[5] == annotations[0].img_names[5]
    assert [path.name for path in (tmp_path / 'a').iterdir()] == ['store']


ROWS, POSES, SCORES = np.arange(96), np.ones((96, 17, 3)), np.ones((96, 17))


@pytest.mark.parametrize(
    ('batches', 'message'),
    [
        ([(ROWS, POSES, SCORES)], r"expected batches of \['depth_std', 'keypoints', 'scores'\], got \['key"),
        ([(ROWS, POSES, SCORES, SCORES * np.inf)], 'a prediction that is not finite'),
        ([([3], POSES[:1] * np.nan, SCORES[:1], SCORES[:1])], r'not finite, in rows \[3\]'),
        ([(ROWS[:10], POSES[:10], SCORES[:10], SCORES[:10])], 'only 10 of 96 frames were written'),
    ],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path, annotations, batches, message):
    with (
        pytest.raises(ValueError, match=message),
        write_sequence_store(tmp_path / 'store', annotations[0], 'annotation', {}, has_depth_std=True) as writer,
    ):
        for batch in batches:
            writer.write(*batch)
    assert list(tmp_path.iterdir()) == []


def test_missing_and_there_already_and_of_another_annotation(tmp_path, written, annotations, make_store):
    with pytest.raises(InputError, match=r'store exists\. Remove it, or give another folder'):
        make_store(*written)
    with pytest.raises(InputError, match=r'no depth sequence store at .*absent.*tools/extract_depth_sequences.py'):
        SequenceStore(tmp_path / 'absent', written[1])
    train, test = annotations
    with pytest.raises(InputError, match=f'sha256 {train.sha256}, but .*h36m_test.npz has {test.sha256}'):
        SequenceStore(written[0], test)


def meta_with(**changes):
    """The bytes of ``store.json`` with changes; None removes a key."""

    def change(content):
        meta = json.loads(content) | changes
        return json.dumps({key: value for key, value in meta.items() if value is not None}).encode()

    return change


@pytest.mark.parametrize(
    ('name', 'change', 'message'),
    [
        ('store.json', meta_with(schema_version=1), 'schema version 1, expected 2'),
        ('store.json', lambda content: b'[' * 100_000, 'the depth sequence store .*store is damaged'),
        ('scores.npy', lambda content: b'', 'the depth sequence store .*store is damaged'),
        ('scores.npy', lambda content: b'PK\x05\x06' + bytes(18), 'the depth sequence store .*store is damaged'),
        ('keypoints.npy', lambda data: data.replace(b'(96,', b'(95,'), r'keypoints.npy: .* \(96, 17, 3\), got .* \(95'),
        ('scores.npy', lambda data: data[:-1] + bytes([data[-1] ^ 1]), 'scores.npy is not as it was .*sha256 differs'),
    ],
)
def test_damage(written, name, change, message):
    path = written[0] / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=message):
        SequenceStore(*written)


@pytest.mark.parametrize(
    ('factors', 'message'),
    [
        ([1, 1, 1000], 'the depth of keypoints.npy reaches .* 3 metres from the root; looks like millimetres'),
        ([0.01, 0.01, 1], 'u and v of keypoints.npy reaches .*; looks like normalised coordinates'),
    ],
)
def test_other_units(tmp_path, annotations, make_store, factors, message):
    keypoints = np.random.default_rng(0).uniform(-1, 1, (96, 17, 3)) * [50, 50, 0.5] * factors
    path = make_store(tmp_path / 'store', annotations[0], keypoints)
    with pytest.raises(InputError, match=f'store: {message}'):
        SequenceStore(path, annotations[0])
