import numpy as np
import pytest

from depth_refine.datasets import H36MAnnotation, npz_stream
from depth_refine.functional.camera import project
from depth_refine.utils.errors import InputError

CROPS = np.tile([3, 5, 40, 60], (96, 1))


@pytest.fixture
def files(data_root):
    folder = data_root / 'annotation_body3d'
    return folder / 'fps50/h36m_train.npz', folder / 'cameras.pkl'


@pytest.fixture
def changed(files, tmp_path):
    """A function that opens a copy of the annotation with other arrays; None removes one."""

    def open_changed(**changes):
        arrays = dict(np.load(files[0]))
        if 'imgname' in changes and changes['imgname'] is not None:
            arrays = {key: array[: len(changes['imgname'])] for key, array in arrays.items()}
        arrays = {key: array for key, array in (arrays | changes).items() if array is not None}
        np.savez(tmp_path / 'changed.npz', **arrays)
        return H36MAnnotation(tmp_path / 'changed.npz', files[1])

    return open_changed


def names(*sequences, frames=3):
    return np.array([f'S1/{s}/{s}_{f + 1:06d}.jpg' for s in sequences for f in range(frames)])


def test_reads_units_and_cameras(annotations):
    annotation = annotations[0]
    assert annotation.crops is None and annotation.keypoints_3d_visible.all()
    assert len(annotation) == 2 * 4 * 12 and len(annotation.sequences) == 8
    for sequence, camera in zip(annotation.sequences, annotation.cameras, strict=True):
        assert camera['id'] == sequence.camera
        expected = project(annotation.keypoints_3d[sequence.rows], camera)
        np.testing.assert_allclose(annotation.keypoints[sequence.rows], expected, atol=1e-3)
        assert (annotation.frames[sequence.rows] == np.arange(1, 13)).all()


def test_names_with_and_without_take_numbers_and_beyond_ascii(changed, monkeypatch):
    monkeypatch.setattr(npz_stream, 'CHUNK_BYTES', 600)
    imgname = names('S1_SittingDown.54138969', 'S1_SittingDown_2.54138969', 'S1_Ação 1.55011271', 'S1_日本語.54138969')
    annotation = changed(imgname=imgname)
    assert [name.decode() for name in annotation.img_names] == imgname.tolist()
    assert [(s.subject, s.action) for s in annotation.sequences] == [
        ('S1', action) for action in ('SittingDown', 'SittingDown', 'Ação', '日本語')
    ]


def test_frames_are_put_in_order(changed):
    annotation = changed(imgname=names('S1_A.54138969', 'S1_B.54138969', frames=4)[[5, 0, 2, 7, 1, 4, 3, 6]])
    assert [s.name for s in annotation.sequences] == ['S1_B.54138969', 'S1_A.54138969']
    assert [s.rows.tolist() for s in annotation.sequences] == [[5, 0, 7, 3], [1, 4, 2, 6]]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(S=None), r"changed.npz lacks the key 'S': expected \['S', 'center'"),
        (dict(part=np.zeros((96, 16, 3))), r"expected 'part' of shape \(96, 17, 3\), got \(96, 16, 3\)"),
        (dict(imgname=np.array(['a.jpg'] * 96)), "changed.npz, row 0: the image name 'a.jpg' is not of the form S1_"),
        (dict(imgname=np.array([])), 'holds no frames'),
        (dict(imgname=names('S1_A.7')), r"cameras.pkl has no camera \('S1', '7'\), which .*changed.npz needs"),
        (dict(crop=np.r_[CROPS[:7], CROPS[7:] + [0, 0, 0.5, 0]]), r"whole pixels .* in 'crop', got .* in row 7 \(S1/"),
        (dict(crop=CROPS[:, [0, 3, 2, 1]]), r"pixels x1 < x2 and y1 < y2 in 'crop', got .* in row 0 \(S1/"),
        (dict(scale=np.r_[[0.3] * 5, 0, [0.3] * 90]), r"'scale' above 0, got 0.0 in row 5 \(S1/"),
        (dict(imgname=np.zeros(96)), "expected text in 'imgname', got float64"),
        (dict(scale=np.zeros(96, bool)), "expected numbers in 'scale', got bool"),
    ],
)
def test_wrong_arrays(changed, changes, message):
    with pytest.raises(InputError, match=message):
        changed(**changes)


@pytest.mark.parametrize('chunk_bytes', [700, 1 << 20])
@pytest.mark.parametrize(('dtype', 'order', 'text'), [('<f8', 'C', 'S80'), ('<f4', 'F', '<U80'), ('>f8', 'C', '>U80')])
def test_any_layout_of_the_file(files, changed, monkeypatch, dtype, order, text, chunk_bytes):
    monkeypatch.setattr(npz_stream, 'CHUNK_BYTES', chunk_bytes)
    arrays, rng = dict(np.load(files[0])), np.random.default_rng(0)
    arrays['crop'] = CROPS + np.arange(96)[:, None]
    for key in ('part', 'S'):
        arrays[key][..., -1] = rng.integers(-1, 3, (96, 17))
    numbers = {key: arrays[key] for key in ('part', 'S', 'center', 'scale', 'crop')}
    numbers = {key: np.array(array, dtype, order=order) for key, array in numbers.items()}
    annotation = changed(imgname=arrays['imgname'].astype(text), **numbers)
    np.testing.assert_array_equal(annotation.img_names.astype(str), arrays['imgname'])
    expected = dict(center=arrays['center'], scale=arrays['scale'], crops=arrays['crop'])
    expected |= dict(keypoints=arrays['part'][..., :2], keypoints_3d=arrays['S'][..., :3])
    expected = {name: values.astype(np.float32) for name, values in expected.items()}
    expected |= dict(keypoints_visible=arrays['part'][..., 2] > 0, keypoints_3d_visible=arrays['S'][..., 3] > 0)
    for name, values in expected.items():
        assert getattr(annotation, name).dtype == values.dtype
        np.testing.assert_array_equal(getattr(annotation, name), values)


@pytest.mark.parametrize(('key', 'value'), [('part', np.nan), ('S', np.inf), ('scale', 1e300)])
@pytest.mark.parametrize('chunk_bytes', [700, 1 << 20])
def test_numbers_that_are_not_finite(files, changed, monkeypatch, key, value, chunk_bytes):
    monkeypatch.setattr(npz_stream, 'CHUNK_BYTES', chunk_bytes)
    array = np.load(files[0])[key]
    array[3:5] = value
    with pytest.raises(InputError, match=rf"changed.npz: '{key}' is not finite in 2 of 96 rows, first in row 3 \(S1/"):
        changed(**{key: array})


def test_missing_and_damaged_files(files, tmp_path):
    for paths, message in (((tmp_path / 'a', files[1]), 'annotation'), ((files[0], tmp_path / 'a'), 'camera')):
        with pytest.raises(InputError, match=rf'no {message} file .*/a\. .*make_synthetic'):
            H36MAnnotation(*paths)
    content = bytearray(files[0].read_bytes())
    content[content.index(b'part.npy') + 5000] ^= 1
    (tmp_path / 'flipped.npz').write_bytes(content)
    with pytest.raises(InputError, match=r"flipped\.npz is not a readable npz file \(Bad CRC-32 for file 'part.npy'"):
        H36MAnnotation(tmp_path / 'flipped.npz', files[1])


@pytest.mark.parametrize(
    ('key', 'change', 'message'),
    [
        ('S', lambda a: a * 1000, r"'S' in row \d+ \(S1/.*\) reaches .*; looks like millimetres: divide by 1000"),
        ('S', lambda a: a / 1000, r"z of the root in 'S', from row 0 on, reaches .*; looks like kilometres"),
        ('S', lambda a: a + [0, 0, 1000, 0], r"z of the root in 'S', .* expected 0.05 to 100 metres from the camera"),
        ('S', lambda a: a * [1, 1, -1, 1], r"'S' in row \d+ \(S1/.*\) has the root -\d.* are these world coordinates"),
        ('part', lambda a: a / 64, "'part' reaches .*; looks like normalised coordinates: multiply by the image size"),
    ],
)
def test_other_units(files, changed, key, change, message):
    array = np.load(files[0])[key]
    with pytest.raises(InputError, match=rf'changed.npz: {message}'):
        changed(**{key: change(array)})


def test_one_joint_far_away_is_named_if_it_is_visible(files, changed):
    array = np.load(files[0])['S']
    array[41, 9, 0] += 4
    with pytest.raises(InputError, match=r"'S' in row 41 \(S1/.*reaches .*expected at most 3 metres from the root"):
        changed(S=array)
    array[41, 9, 3] = 0
    assert len(changed(S=array)) == 96
