import pickle

import numpy as np
import pytest

from depth_refine.datasets import AnnotatedSequence, H36MAnnotation, PoseAnnotation, npz_stream, write_annotation
from depth_refine.functional.camera import project
from depth_refine.structures.skeleton import H36M, Skeleton
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


def test_image_names_of_windows(files, changed):
    expected = np.load(files[0])['imgname']
    annotation = changed(imgname=np.char.replace(expected, '/', '\\'))
    np.testing.assert_array_equal(annotation.img_names.astype(str), expected)
    assert {sequence.subject for sequence in annotation.sequences} == {expected[0][: expected[0].index('/')]}


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
        with pytest.raises(InputError, match=rf'no {message} file .*/a\. .*docs/mpi_inf_3dhp.md .*make_synthetic'):
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


# --- annotations of one's own

SKELETON = Skeleton(('hip', 'knee_l', 'knee_r', 'head'), (-1, 0, 0, 0), (0, 2, 1, 3))
CAMERA = dict(w=640, h=480, f=np.full((2, 1), 500.0), c=np.array([[320.0], [240.0]]))


@pytest.fixture
def own(tmp_path):
    """A function that writes and opens an annotation of four joints; keys that are changed, None removes one."""

    def make(cameras=None, folder='data', count=6, **changes):
        rng, path = np.random.default_rng(0), tmp_path / folder / 'a.npz'
        joints = rng.normal([0, 0, 4], 0.3, (count, 4, 3))
        part = np.concatenate([project(joints, CAMERA), np.ones((count, 4, 1))], axis=-1)
        arrays = dict(
            imgname=[f'{i}.png' for i in range(count)], center=part[:, 0, :2], scale=np.ones(count), part=part
        )
        arrays |= dict(S=np.concatenate([joints, np.ones((count, 4, 1))], axis=-1), camera=['left'] * count)
        arrays |= dict(sequence=['b', 'a', 'b', 'a', 'b', 'b'], frame=[7, 2, 5, 1, 9, 6])
        path.parent.mkdir(exist_ok=True)
        np.savez(path, **{key: array for key, array in (arrays | changes).items() if array is not None})
        (tmp_path / 'c.pkl').write_bytes(pickle.dumps(dict(left=CAMERA) if cameras is None else cameras))
        return PoseAnnotation(path, tmp_path / 'c.pkl', SKELETON)

    return make


def test_columns_name_videos(own):
    annotation = own(subject=['s', 't'] * 2 + ['s', 's'], frame_rate=50 / 3)
    assert annotation.frame_rate == 50 / 3 and annotation.actions is None
    assert [(s.name, s.subject, s.action, s.camera) for s in annotation.sequences] == [
        ('b', 's', '', 'left'), ('a', 't', '', 'left')
    ]  # fmt: skip
    assert [s.rows.tolist() for s in annotation.sequences] == [[2, 5, 0, 4], [3, 1]]
    assert annotation.frames.tolist() == [7, 2, 5, 1, 9, 6]
    np.testing.assert_array_equal(annotation.cameras[1]['k'], np.zeros((3, 1)))


def test_several_cameras_of_a_sequence_and_several_actions_of_a_video(own):
    cameras = dict(left=CAMERA, right=CAMERA | dict(w=800))
    annotation = own(cameras, camera=['left', 'left', 'right'] * 2, action=['sit', 'run'] * 2 + ['sit', 'sit'])
    assert [(s.name, s.action) for s in annotation.sequences] == [
        ('b.left', 'sit'), ('a', 'run'), ('b.right', 'sit')
    ]  # fmt: skip
    assert [camera['w'] for camera in annotation.cameras] == [640, 640, 800]
    annotation = own(action=['sit', 'run', 'lie', 'run', 'sit', 'sit'])
    assert [s.action for s in annotation.sequences] == [None, 'run']
    assert annotation.actions.tolist() == ['sit', 'run', 'lie', 'run', 'sit', 'sit']


@pytest.mark.parametrize('folder', ['fps12.5', 'fps16.667', 'fps0.833', 'fps50', 'x50', 'fps50x'])
def test_rates_of_folders(own, folder):
    expected = float(folder[3:]) if folder[3:].replace('.', '').isdigit() and folder.startswith('fps') else None
    assert own(folder=folder).frame_rate == expected
    if expected:
        assert own(folder=folder, frame_rate=np.full(6, expected * 1.0001)).frame_rate == expected * 1.0001
        with pytest.raises(InputError, match=rf"'frame_rate' is {2 * expected:g} .*, but its folder says {expected:g}"):
            own(folder=folder, frame_rate=2 * expected)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(frame=None), "lacks the key 'frame': expected .*'frame'"),
        (dict(frame=np.arange(6) * 1.0), "expected whole numbers in 'frame', got float64"),
        (dict(frame=[7, 2, 5, 1, 9, 5]), 'frame 5 of b is there twice, the second time in row 5'),
        (dict(subject=['s', 't', 's', 't', 's', 'u']), "row 5: 'subject' is 'u', but 's' in its video's first row"),
        (dict(sequence=None), r"row 0: the image name '0.png' .* or give the columns 'sequence' and 'frame'"),
        (dict(frame_rate=[25] * 5 + [50]), "'frame_rate' is 25 to 50 frames a second: write an annotation for each"),
        (dict(frame_rate=0), "expected 'frame_rate' of 0.1 to 1000 frames a second, got 0"),
        (
            dict(frame_rate=[25, 50]),
            r"expected 'frame_rate' of shape \(\) or \(6,\), numbers, got int64 of shape \(2,\)",
        ),
        (dict(part=np.ones((6, 17, 3))), r"'part' of shape \(6, 4, 3\), got \(6, 17, 3\); .* skeleton has 4 joints"),
        (dict(frame_rate=0.04), "expected 'frame_rate' of 0.1 to 1000 frames a second, got 0.04"),
        (dict(scale=np.full(6, 200.0)), r'boxes are \d+ times as large as the 2D joints .* divided by 200'),
        (dict(S=np.ones((6, 4, 4)) * [0, 0, 0, 1]), "'S' has the root at 0 0 0 .* not relative to the root"),
        (dict(S=np.zeros((6, 4, 4))), "no frame has a visible root, 'hip', in 'S': .* name another joint as root"),
        (dict(camera=['right'] * 6), r"has no camera \('', 'right'\), which b of .*a.npz needs"),
        (dict(cameras=dict(left=dict(w=640))), "camera left needs 'h' as a finite number"),
        (dict(cameras=dict(left=dict(w=640, h=480, f=[500, 500]))), "camera left needs both 'f' and 'c'"),
        (dict(cameras=dict(left=CAMERA | dict(k=np.zeros(5)))), r"camera left needs 'k' of shape \(3, 1\)"),
    ],
)
def test_what_is_no_annotation_of_ones_own(own, changes, message):
    with pytest.raises(InputError, match=message):
        own(**changes)


def test_a_camera_of_ones_own(own):
    (camera, _) = own(dict(left=dict(w=640, h=480, f=[500, 510], c=[320, 240]))).cameras
    assert camera['f'].shape == (2, 1) and camera['f'][1, 0] == 510
    assert set(own(dict(left=dict(w=640, h=480))).cameras[0]) == {'w', 'h'}


def test_what_the_writer_wrote(tmp_path, own):
    annotation = own()
    sequences = [
        AnnotatedSequence(
            s.name, annotation.frames[s.rows], annotation.keypoints[s.rows], annotation.keypoints_3d[s.rows],
            subject='s', action='go', camera='left', keypoints_visible=np.indices((len(s.rows), 4)).sum(0) % 3 > 0,
        )
        for s in annotation.sequences
    ]  # fmt: skip
    write_annotation(tmp_path / 'b.npz', sequences, 12.5)
    again = PoseAnnotation(tmp_path / 'b.npz', tmp_path / 'c.pkl', SKELETON)
    assert again.frame_rate == 12.5 and [s.name for s in again.sequences] == ['b', 'a']
    assert again.img_names[0] == b'b.left/b.left_000005.jpg' and {s.action for s in again.sequences} == {'go'}
    visible = sequences[0].keypoints_visible
    np.testing.assert_array_equal(again.keypoints_visible[:4], visible)
    np.testing.assert_array_equal(again.keypoints[:4], np.where(visible[..., None], sequences[0].keypoints, 0))
    u, v = sequences[0].keypoints[0][visible[0]].T
    np.testing.assert_allclose(again.center[0], [(u.min() + u.max()) / 2, (v.min() + v.max()) / 2], rtol=1e-6)
    with pytest.raises(InputError, match=r'must agree in their number of joints .*: b and a do not'):
        write_annotation(tmp_path / 'c.npz', [sequences[0], sequences[1]._replace(subject=None)], 25)
    with pytest.raises(InputError, match='b has no visible joint in frame 6'):
        hidden = np.arange(4)[:, None] != [1] * 4
        write_annotation(tmp_path / 'c.npz', [sequences[0]._replace(keypoints_visible=hidden)], 25)
    with pytest.raises(InputError, match='expected a frame rate above 0 frames a second, got -25'):
        write_annotation(tmp_path / 'c.npz', sequences, -25)


def test_sides_that_differ_between_2d_and_3d(files, changed):
    part = dict(np.load(files[0]))['part']
    with pytest.raises(
        InputError, match=r"exchanged between 'part' and 'S': right_hip and left_hip, .*, left_wrist and right_w"
    ):
        changed(part=part[:, list(H36M.flip_indices)])
