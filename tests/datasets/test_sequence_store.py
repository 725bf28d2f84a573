import json

import numpy as np
import pytest

from depth_refine.datasets import SequenceStore, write_sequence_store
from depth_refine.utils.errors import InputError


def write(path, annotation, rows=None):
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(-2.9, 2.9, (len(annotation), 17, 3)).astype(np.float32)
    scores = rng.uniform(size=(len(annotation), 17)).astype(np.float32)
    with write_sequence_store(path, annotation, 'annotation', dict(config='c.py')) as writer:
        for batch in np.array_split(np.arange(len(annotation)) if rows is None else rows, 5)[::-1]:
            writer.write(batch, keypoints[batch], scores[batch])
    return keypoints, scores


def test_round_trip(tmp_path, annotations):
    keypoints, scores = write(tmp_path / 'a/store', annotations[0])
    store = SequenceStore(tmp_path / 'a/store', annotations[0])
    np.testing.assert_array_equal(store.keypoints, keypoints)
    np.testing.assert_array_equal(store.scores, scores)
    assert isinstance(store.keypoints, np.memmap)
    assert (store.has_depth, store.bbox_policy) == (True, 'annotation')
    assert store.meta['config'] == 'c.py' and store.meta['annotation']['sha256'] == annotations[0].sha256
    names = np.load(tmp_path / 'a/store/frame_names.npy')
    assert names[5] == annotations[0].img_names[5]
    assert [p.name for p in (tmp_path / 'a').iterdir()] == ['store']


def test_belongs_to_one_annotation(tmp_path, annotations):
    train, test = annotations
    write(tmp_path / 'store', train)
    with pytest.raises(InputError, match=f'sha256 {train.sha256}, but .*h36m_test.npz has {test.sha256}'):
        SequenceStore(tmp_path / 'store', test)


def test_an_error_leaves_nothing(tmp_path, annotations):
    with (
        pytest.raises(RuntimeError, match='stop'),
        write_sequence_store(tmp_path / 'store', annotations[0], 'annotation', {}),
    ):
        raise RuntimeError('stop')
    with pytest.raises(ValueError, match='only 10 of 96 frames were written'):
        write(tmp_path / 'store', annotations[0], rows=np.arange(10))
    assert list(tmp_path.iterdir()) == []


def test_refuses_predictions_that_are_not_finite(tmp_path, annotations):
    with (
        pytest.raises(ValueError, match=r'not finite, in rows \[3\]'),
        write_sequence_store(tmp_path / 'store', annotations[0], 'annotation', {}) as writer,
    ):
        writer.write([3], np.full((1, 17, 3), np.nan), np.ones((1, 17)))


def test_poses_without_depth(tmp_path, annotations):
    keypoints = np.full((96, 17, 3), np.nan, np.float32)
    keypoints[..., :2] = np.arange(96 * 17 * 2).reshape(96, 17, 2)
    with write_sequence_store(tmp_path / 'store', annotations[0], 'published', {}, has_depth=False) as writer:
        writer.write(np.arange(96), keypoints, np.ones((96, 17)))
    store = SequenceStore(tmp_path / 'store', annotations[0])
    assert (store.has_depth, store.bbox_policy) == (False, 'published')
    np.testing.assert_array_equal(store.keypoints, keypoints)


def test_depths_with_their_spread(tmp_path, annotations):
    std = np.random.default_rng(0).uniform(size=(96, 17)).astype(np.float32)
    keypoints, scores, rows = np.full((96, 17, 3), 2.5), np.ones((96, 17)), np.arange(96)
    with write_sequence_store(tmp_path / 'store', annotations[0], 'annotation', {}, has_depth_std=True) as writer:
        with pytest.raises(ValueError, match=r"expected batches of \['depth_std', 'keypoints', 'scores'\], got \['key"):
            writer.write(rows, keypoints, scores)
        with pytest.raises(ValueError, match='not finite'):
            writer.write(rows, keypoints, scores, np.full((96, 17), np.inf))
        writer.write(rows, keypoints, scores, std)
    np.testing.assert_array_equal(SequenceStore(tmp_path / 'store', annotations[0]).depth_std, std)
    write(tmp_path / 'without', annotations[0])
    assert SequenceStore(tmp_path / 'without', annotations[0]).depth_std is None


def test_never_overwrites(tmp_path, annotations):
    (tmp_path / 'store').mkdir()
    with (
        pytest.raises(InputError, match=r'store exists\. Remove it, or give another folder'),
        write_sequence_store(tmp_path / 'store', annotations[0], 'annotation', {}),
    ):
        pass


def test_missing_and_damaged(tmp_path, annotations):
    annotation = annotations[0]
    with pytest.raises(InputError, match=r'no depth sequence store at .*absent.*tools/extract_depth_sequences.py'):
        SequenceStore(tmp_path / 'absent', annotation)
    path = tmp_path / 'store'
    write(path, annotation)
    meta = json.loads((path / 'store.json').read_text())
    (path / 'store.json').write_text(json.dumps(dict(meta, schema_version=1)))
    with pytest.raises(InputError, match='schema version 1, expected 2'):
        SequenceStore(path, annotation)
    (path / 'store.json').write_text('{')
    with pytest.raises(InputError, match='store is damaged'):
        SequenceStore(path, annotation)
    (path / 'store.json').write_text(json.dumps(meta))
    np.save(path / 'keypoints.npy', np.zeros((95, 17, 3), np.float32))
    with pytest.raises(InputError, match=r'keypoints.npy: expected float32 of shape \(96, 17, 3\), got float32 \(95'):
        SequenceStore(path, annotation)


@pytest.mark.parametrize(
    ('factors', 'message'),
    [
        ([1, 1, 1000], 'the depth of keypoints.npy reaches .* 3 metres from the root; looks like millimetres'),
        ([0.01, 0.01, 1], 'u and v of keypoints.npy reaches .*; looks like normalised coordinates'),
    ],
)
def test_other_units(tmp_path, annotations, factors, message):
    keypoints = np.random.default_rng(0).uniform(-1, 1, (96, 17, 3)) * [50, 50, 0.5] * factors
    with write_sequence_store(tmp_path / 'store', annotations[0], 'annotation', {}) as writer:
        writer.write(np.arange(96), keypoints, np.ones((96, 17)))
    with pytest.raises(InputError, match=f'store: {message}'):
        SequenceStore(tmp_path / 'store', annotations[0])


@pytest.mark.parametrize('name', ['keypoints', 'scores'])
def test_changed_numbers_are_noticed(tmp_path, annotations, name):
    write(tmp_path / 'store', annotations[0])
    path = tmp_path / f'store/{name}.npy'
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf'{name}\.npy is not as it was written: its sha256 differs'):
        SequenceStore(tmp_path / 'store', annotations[0])
    meta = json.loads((tmp_path / 'store/store.json').read_text())
    del meta['sha256']  # as in older stores
    (tmp_path / 'store/store.json').write_text(json.dumps(meta))
    assert SequenceStore(tmp_path / 'store', annotations[0]).has_depth


def test_damage_of_any_kind(tmp_path, annotations):
    write(tmp_path / 'store', annotations[0])
    path = tmp_path / 'store/scores.npy'
    for content in (path.read_bytes().replace(b'}', b'('), b'', b'PK\x05\x06' + bytes(18)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r'the depth sequence store .*store is damaged'):
            SequenceStore(tmp_path / 'store', annotations[0])
    (tmp_path / 'store/store.json').write_text('[' * 100_000)
    with pytest.raises(InputError, match=r'the depth sequence store .*store is damaged'):
        SequenceStore(tmp_path / 'store', annotations[0])
