import json

import mmengine
import numpy as np
import pytest
from mmengine.structures import InstanceData
from mmpose.structures import split_instances

from depth_refine.data_tools.conversion import Origin, import_predictions
from depth_refine.datasets import H36MAnnotation, H36MDepthSequenceDataset, SequenceStore
from depth_refine.utils.errors import InputError

# where COCO's joints are taken from Human3.6M's; the ears are not used
COCO_FROM_H36M = [9, 10, 10, 9, 9, 11, 14, 12, 15, 13, 16, 4, 1, 5, 2, 6, 3]


@pytest.fixture(scope='module')
def annotation(data_root):
    folder = data_root / 'annotation_body3d'
    return H36MAnnotation(folder / 'fps50/h36m_test.npz', folder / 'cameras.pkl')


@pytest.fixture(scope='module')
def truth(annotation):
    """(96, 17, 3) of px and metres relative to the root."""
    depth = annotation.keypoints_3d[..., 2:]
    return np.concatenate([annotation.keypoints, depth - depth[:, :1]], axis=-1)


def write_npz(folder, annotation, **arrays):
    """One file a video; frames counted from 1."""
    folder.mkdir()
    for sequence in annotation.sequences:
        rows = {key: array[sequence.rows] for key, array in arrays.items()}
        np.savez(folder / f'{sequence.name}.npz', frames=annotation.frames[sequence.rows], **rows)
    return folder


def write_json(folder, annotation, content):
    """One file a video: ``content(sequence)``."""
    folder.mkdir()
    for sequence in annotation.sequences:
        mmengine.dump(content(sequence), folder / f'{sequence.name}.json')  # as MMPose does
    return folder


def mmpose_video(keypoints, scores, first):
    """What MMPose's inferencers write, another person beside each; ``keypoints`` (N, K, D)."""

    def instances(row):
        persons = dict(keypoints=np.stack([keypoints[row] + 40, keypoints[row]]), keypoint_scores=scores[[row, row]])
        boxes = dict(bboxes=np.ones((2, 4)), bbox_scores=np.ones(2, np.float32))
        return split_instances(InstanceData(**persons, **boxes))

    return lambda sequence: [
        dict(frame_id=first + i, instances=instances(row)) for i, row in enumerate(sequence.rows.tolist())
    ]


def as_h36m(coco):
    """The convention, written out."""
    root, thorax = (coco[:, 11] + coco[:, 12]) / 2, (coco[:, 5] + coco[:, 6]) / 2
    middle = [(root + thorax) / 2, thorax, coco[:, 0], (coco[:, 1] + coco[:, 2]) / 2]
    legs, arms = [coco[:, i] for i in (12, 14, 16, 11, 13, 15)], [coco[:, i] for i in (5, 7, 9, 6, 8, 10)]
    return np.stack([root, *legs, *middle, *arms], axis=1)


def test_npz_with_depth(tmp_path, annotation, truth, data_root):
    depth = annotation.keypoints_3d[..., 2] * 1000  # absolute, mm
    scores = np.random.default_rng(0).uniform(0.1, 1.5, depth.shape)
    folder = write_npz(tmp_path / 'in', annotation, keypoints=truth[..., :2], depth=depth, scores=scores)
    origin = Origin('Somenet', folder, 'h36m', first_frame=1, depth_unit='mm')
    assert import_predictions(annotation, origin, tmp_path / 'store') == 0
    store = SequenceStore(tmp_path / 'store', annotation)
    np.testing.assert_allclose(store.keypoints, truth, atol=1e-5)
    np.testing.assert_allclose(store.scores, scores.clip(0, 1), rtol=1e-6)
    assert store.has_depth and store.bbox_policy == 'published'
    assert store.meta['config'] == store.meta['checkpoint']['file'] == 'Somenet'
    assert (store.meta['checkpoint']['sha256'], store.meta['flip_test']) == ('not known', None)
    assert (store.meta['image_size'], store.meta['depth_unit_of_files']) == ([64, 64], 'mm')
    dataset = H36MDepthSequenceDataset(
        ann_file='annotation_body3d/fps50/h36m_test.npz',
        data_root=str(data_root),
        input_source='2d+depth',
        depth_store=str(tmp_path / 'store'),
        bbox_policy='published',
        seq_len=3,
        test_mode=True,
    )
    rows = annotation.sequences[1].rows
    np.testing.assert_allclose(dataset[1]['keypoints'][1:-1], truth[rows], atol=1e-5)


def test_mmpose_video_without_depth(tmp_path, annotation, truth):
    coco, rng = truth[:, COCO_FROM_H36M, :2], np.random.default_rng(0)
    coco += rng.normal(scale=0.5, size=coco.shape)
    scores = rng.uniform(0.1, 0.9, coco.shape[:2])
    folder = write_json(tmp_path / 'in', annotation, mmpose_video(coco, scores, first=0))
    import_predictions(annotation, Origin('RTMPose', folder, 'coco', first_frame=0), tmp_path / 'store')
    store = SequenceStore(tmp_path / 'store', annotation)
    np.testing.assert_allclose(store.keypoints[..., :2], as_h36m(coco), rtol=1e-5)
    np.testing.assert_allclose(store.scores, as_h36m(scores[..., None])[..., 0], rtol=1e-5)
    assert not store.has_depth and np.isnan(store.keypoints[..., 2]).all()


def test_demo_wraps_the_same_list(tmp_path, annotation, truth):
    video = mmpose_video(truth[..., :2], np.ones((96, 17)), first=1)
    folder = write_json(
        tmp_path / 'in', annotation, lambda sequence: dict(meta_info=dict(), instance_info=video(sequence))
    )
    import_predictions(annotation, Origin('a', folder, 'h36m', first_frame=1), tmp_path / 'store')
    np.testing.assert_allclose(
        SequenceStore(tmp_path / 'store', annotation).keypoints[..., :2], truth[..., :2], rtol=1e-5
    )


@pytest.mark.parametrize('image_id', [lambda frame: frame, lambda frame: f'2_{frame:012d}.jpg'])
def test_results_in_coco_format(tmp_path, annotation, truth, image_id):
    flat = np.concatenate([truth[..., :2], np.full((96, 17, 1), 0.5)], axis=-1)
    folder = write_json(
        tmp_path / 'in',
        annotation,
        lambda s: [
            dict(image_id=image_id(i), category_id=1, keypoints=flat[row].ravel().tolist(), score=0.9)
            for i, row in enumerate(s.rows)
        ][::-1],
    )
    import_predictions(annotation, Origin('a', folder, 'h36m', first_frame=0), tmp_path / 'store')
    store = SequenceStore(tmp_path / 'store', annotation)
    np.testing.assert_allclose(store.keypoints[..., :2], truth[..., :2], rtol=1e-5)
    assert (store.scores == 0.5).all()


@pytest.mark.parametrize('subfolder', [False, True])
def test_openpose_fills_joints_that_were_not_found(tmp_path, annotation, truth, subfolder):
    body = np.zeros((96, 25, 3))
    where = [0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11]  # of COCO's joints
    body[:, where, :2], body[:, where, 2] = truth[:, COCO_FROM_H36M, :2], 0.75
    expected, scores = as_h36m(body[:, where]), np.full((96, 17), 0.75)
    rows = annotation.sequences[3].rows
    body[rows[4:6], 7] = 0  # the left wrist, missing for two frames
    body[rows[-1], 12] = 0  # the left hip, missing at the end
    for step in (0, 1):
        a, b = expected[rows[3], 13, :2], expected[rows[6], 13, :2]
        expected[rows[4 + step], 13, :2] = a + (b - a) * (step + 1) / 3
    for joint in (0, 4, 7):
        expected[rows[-1], joint] = expected[rows[-2], joint]
    scores[rows[4:6], 13] = 0
    scores[rows[-1], [0, 4, 7]] = 0
    for sequence in annotation.sequences:
        folder = tmp_path / 'in' / (sequence.name if subfolder else '')
        folder.mkdir(parents=True, exist_ok=True)
        for i, row in enumerate(sequence.rows):
            people = [dict(person_id=[-1], pose_keypoints_2d=body[row].ravel().tolist(), face_keypoints_2d=[])]
            path = folder / f'{sequence.name}_{i:012d}_keypoints.json'
            path.write_text(json.dumps(dict(version=1.3, people=people)))
    filled = import_predictions(annotation, Origin('OpenPose', tmp_path / 'in', 'body_25', 0), tmp_path / 'store')
    store = SequenceStore(tmp_path / 'store', annotation)
    assert filled == 5 / (96 * 17)
    np.testing.assert_allclose(store.keypoints[..., :2], expected[..., :2], rtol=1e-5)
    np.testing.assert_allclose(store.scores, scores)


def lifted_video(joints):
    """(N, K, 3) as MMPose writes it for a video, one person; frames counted from 1."""

    def instances(row):
        person = InstanceData(keypoints=joints[[row]], keypoint_scores=np.ones((1, joints.shape[1])))
        return split_instances(person)

    return lambda sequence: [dict(frame_id=i, instances=instances(row)) for i, row in enumerate(sequence.rows, start=1)]


@pytest.mark.parametrize('kind', ['Pose3DInferencer', 'RTMPose3D'])
def test_depths_of_mmposes_3d_files(tmp_path, annotation, truth, kind):
    x, y, z = np.moveaxis(annotation.keypoints_3d, -1, 0)
    if kind == 'Pose3DInferencer':
        joints, unit, expected = np.stack([-x, z, 1.5 - y], axis=-1), 'm', z - z[:, :1]
    else:  # bins of an axis of 288 for 2 x 2.1744869 m around 5.14 m, 133 joints
        bins = (z - 5.14) / 2.1744869 * 144 + 144
        joints, unit = np.zeros((96, 133, 3)), 'rtmpose3d_bin'
        joints[:, :17] = -np.stack([x, bins, y], axis=-1)[:, COCO_FROM_H36M]
        expected = as_h36m(z[:, COCO_FROM_H36M, None])[..., 0]
        expected = expected - expected[:, :1]
    npz = write_npz(tmp_path / '2d', annotation, keypoints=truth[..., :2], scores=np.full((96, 17), 0.5))
    lifted = write_json(tmp_path / '3d', annotation, lifted_video(joints))
    origin = Origin('a', npz, 'h36m', first_frame=1, lifted=lifted, depth_unit=unit)
    import_predictions(annotation, origin, tmp_path / 'store')
    store = SequenceStore(tmp_path / 'store', annotation)
    np.testing.assert_allclose(store.keypoints[..., 2], expected, atol=1e-5)
    np.testing.assert_allclose(store.keypoints[..., :2], truth[..., :2], rtol=1e-5)
    assert (store.scores == 0.5).all()


def refuse(annotation, origin, out, message):
    with pytest.raises(InputError, match=message):
        import_predictions(annotation, origin, out)
    assert not list(out.parent.glob('*store*')), 'nothing half-written'


@pytest.mark.parametrize(
    ('factor', 'unit', 'message'),
    [
        (1, 'mm', r"in the unit 'mm' a person's joints would spread over 0.000\d+ m in depth.*expected 0.05 to 3.0 m"),
        (1000, 'm', r"in the unit 'm' a person's joints would spread over \d\d+ m"),
        (1, 'rtmpose3d_bin', 'would spread over 0.00'),
        (-1, 'm', "run against the annotation's: expected camera z relative to the root, larger when farther away"),
        (1, None, r'has depths of S9_\w+\.\d+: give a depth unit if'),
    ],
)
def test_wrong_depths(tmp_path, annotation, truth, factor, unit, message):
    folder = write_npz(tmp_path / 'in', annotation, keypoints=truth[..., :2], depth=truth[..., 2] * factor)
    refuse(annotation, Origin('a', folder, 'h36m', 1, depth_unit=unit), tmp_path / 'store', message)


def test_a_unit_or_3d_files_without_need(tmp_path, annotation, truth):
    folder = write_npz(tmp_path / 'in', annotation, keypoints=truth[..., :2])
    refuse(annotation, Origin('a', folder, 'h36m', 1, depth_unit='m'), tmp_path / 'store', 'has no depths of S9')
    refuse(
        annotation, Origin('a', folder, 'h36m', 1, lifted=folder), tmp_path / 'store', 'state their unit, one of m, mm'
    )
    both = write_npz(tmp_path / 'both', annotation, keypoints=truth[..., :2], depth=truth[..., 2])
    origin = Origin('a', both, 'h36m', 1, lifted=folder, depth_unit='m')
    refuse(annotation, origin, tmp_path / 'store', 'has depths of S9.*3D files only if there are none')


@pytest.mark.parametrize(
    'change',
    [
        lambda uv: uv / 64,  # normalised
        lambda uv: uv * 2.5,  # another image size
        lambda uv: uv[:, COCO_FROM_H36M],  # COCO's order, said to be Human3.6M's
    ],
)
def test_2d_poses_that_are_elsewhere(tmp_path, annotation, truth, change):
    folder = write_npz(tmp_path / 'in', annotation, keypoints=change(truth[..., :2]))
    message = r"^S9_\w+\.\d+: half of the joints lie more than \S+ sides of the person's box from the annotation"
    refuse(annotation, Origin('a', folder, 'h36m', 1), tmp_path / 'store', message)


def test_missing_frames_are_listed(tmp_path, annotation, truth):
    folder = write_npz(tmp_path / 'in', annotation, keypoints=truth[..., :2])
    first, second, third = (sequence.name for sequence in annotation.sequences[:3])
    (folder / f'{first}.npz').unlink()
    with np.load(folder / f'{second}.npz') as file:
        np.savez(folder / f'{second}.npz', frames=file['frames'][[0, 2, 3]], keypoints=file['keypoints'][[0, 2, 3]])
    (folder / f'{third}.npz').unlink()
    empty = [dict(frame_id=i + 1, instances=[]) for i in range(12)]
    (folder / f'{third}.json').write_text(json.dumps(empty))
    message = (
        f'3 of 8 videos lack .*h36m_test.npz, counted from 1 as there: {first}: no files; '
        f'{second}: no frame 2, 5, 6, 7, 8 and 4 more; {third}: no frame 1, 2, 3, 4, 5 and 7 more. '
        f'Expected every frame, in files such as {first}.npz'
    )
    refuse(annotation, Origin('a', folder, 'h36m', 1), tmp_path / 'store', message)


def test_first_frame_of_another_number(tmp_path, annotation, truth):
    folder = write_npz(tmp_path / 'in', annotation, keypoints=truth[..., :2])
    message = '8 of 8 videos lack .*no frame 1; .*and 3 more videos.*is the number of the first frame 0 in them'
    refuse(annotation, Origin('a', folder, 'h36m', 0), tmp_path / 'store', message)


def test_bad_numbers(tmp_path, annotation, truth):
    broken = truth[..., :2].copy()
    broken[5, 3] = np.inf
    folder = write_npz(tmp_path / 'inf', annotation, keypoints=broken)
    refuse(
        annotation, Origin('a', folder, 'h36m', 1), tmp_path / 'store', 'a score above 0 has a coordinate that is not'
    )
    scores = np.ones((96, 17))
    scores[annotation.sequences[2].rows, 16] = 0
    folder = write_npz(tmp_path / 'lost', annotation, keypoints=truth[..., :2], scores=scores)
    message = f"{annotation.sequences[2].name}: the joint 'right_wrist', or one .* not found in any of 12 frames"
    refuse(annotation, Origin('a', folder, 'h36m', 1), tmp_path / 'store', message)


def test_crowded_and_other_3d_files(tmp_path, annotation, truth):
    folder = write_npz(tmp_path / '2d', annotation, keypoints=truth[..., :2])
    crowded = write_json(tmp_path / '3d', annotation, mmpose_video(annotation.keypoints_3d, np.ones((96, 17)), 1))
    origin = Origin('a', folder, 'h36m', 1, lifted=crowded, depth_unit='m')
    refuse(annotation, origin, tmp_path / 'store', 'has several persons in frame 1')
    other = write_json(tmp_path / '21', annotation, lifted_video(np.ones((96, 21, 3))))
    origin = Origin('a', folder, 'h36m', 1, lifted=other, depth_unit='m')
    refuse(annotation, origin, tmp_path / 'store', "Human3.6M's 17 or COCO-WholeBody's 133 joints .* got 21 joints")


def test_an_existing_store_is_kept(tmp_path, annotation, truth):
    folder = write_npz(tmp_path / 'in', annotation, keypoints=truth[..., :2])
    import_predictions(annotation, Origin('a', folder, 'h36m', 1), tmp_path / 'store')
    with pytest.raises(InputError, match='store exists'):
        import_predictions(annotation, Origin('b', folder, 'h36m', 1), tmp_path / 'store')
    assert SequenceStore(tmp_path / 'store', annotation).meta['config'] == 'a'
