import json

import mmengine
import numpy as np
import pytest
from mmengine.structures import InstanceData
from mmpose.structures import split_instances

from depth_refine.data_tools.conversion import Origin, import_predictions
from depth_refine.datasets import H36MAnnotation, SequenceStore
from depth_refine.utils.errors import InputError

# indices of Human3.6M's joints that replace COCO's; the ears are not used
COCO_FROM_H36M = [9, 10, 10, 9, 9, 11, 14, 12, 15, 13, 16, 4, 1, 5, 2, 6, 3]


@pytest.fixture(scope='module')
def annotation(data_root):
    """8 videos of 12 frames."""
    folder = data_root / 'annotation_body3d'
    return H36MAnnotation(folder / 'fps50/h36m_test.npz', folder / 'cameras.pkl')


@pytest.fixture(scope='module')
def truth(annotation):
    """The true joints (96, 17, 3): px, and metres relative to the root."""
    depth = annotation.keypoints_3d[..., 2:]
    return np.concatenate([annotation.keypoints, depth - depth[:, :1]], axis=-1)


@pytest.fixture
def write(tmp_path, annotation):
    """A function that writes a file for each video and returns their folder.

    Arrays of all frames become npz files, whose frames count from 1, a function of the video json files as of MMPose.
    """

    def write(content=None, **arrays):
        folder = tmp_path / ('npz' if arrays else 'json')
        folder.mkdir()
        for sequence in annotation.sequences:
            rows = {key: array[sequence.rows] for key, array in arrays.items()}
            if arrays:
                np.savez(folder / f'{sequence.name}.npz', frames=annotation.frames[sequence.rows], **rows)
            else:
                mmengine.dump(content(sequence), folder / f'{sequence.name}.json')
        return folder

    return write


@pytest.fixture
def imported(tmp_path, annotation):

    def run(files, joint_order='h36m', first_frame=1, **options):
        origin = Origin('A net', files, joint_order, first_frame, **options)
        run.filled, run.notes = import_predictions(annotation, origin, run.out)
        return SequenceStore(run.out, annotation)

    run.out = tmp_path / 'store'
    return run


@pytest.fixture
def refused(imported):

    def refused(message, *arguments, **options):
        with pytest.raises(InputError, match=message):
            imported(*arguments, **options)
        assert not list(imported.out.parent.glob('*store*')), 'nothing half-written'

    return refused


def mmpose_video(keypoints, scores, first=1, others=1):
    """The json objects of MMPose's inferencers for joints (N, K, D), perhaps with another person in each frame."""

    def instances(row):
        persons = np.stack([keypoints[row] + 40] * others + [keypoints[row]])
        found = dict(keypoints=persons, keypoint_scores=np.stack([scores[row]] * len(persons)))
        return split_instances(InstanceData(**found, bbox_scores=np.ones(len(persons), np.float32)))

    return lambda sequence: [dict(frame_id=i, instances=instances(row)) for i, row in enumerate(sequence.rows, first)]


def as_h36m(coco):
    """The expected joints, by the convention written out."""
    root, thorax = (coco[:, 11] + coco[:, 12]) / 2, (coco[:, 5] + coco[:, 6]) / 2
    middle = [(root + thorax) / 2, thorax, coco[:, 0], (coco[:, 1] + coco[:, 2]) / 2]
    legs, arms = [coco[:, i] for i in (12, 14, 16, 11, 13, 15)], [coco[:, i] for i in (5, 7, 9, 6, 8, 10)]
    return np.stack([root, *legs, *middle, *arms], axis=1)


def test_npz_with_depth(imported, write, annotation, truth):
    depth = annotation.keypoints_3d[..., 2] * 1000  # absolute, mm
    scores = np.random.default_rng(0).uniform(0.1, 1.5, depth.shape)
    store = imported(write(keypoints=truth[..., :2], depth=depth, scores=scores), depth_unit='mm')
    assert imported.filled == 0
    np.testing.assert_allclose(store.keypoints, truth, atol=1e-5)
    np.testing.assert_allclose(store.scores, scores.clip(0, 1), rtol=1e-6)
    assert store.has_depth and store.bbox_policy == 'published'
    assert store.meta['config'] == store.meta['checkpoint']['file'] == 'A net'
    assert (store.meta['checkpoint']['sha256'], store.meta['flip_test']) == ('not known', None)
    assert (store.meta['image_size'], store.meta['depth_unit_of_files']) == ([64, 64], 'mm')


@pytest.mark.parametrize('named', [True, False])
def test_mmpose_video_without_depth(imported, write, truth, named):
    """The file is the inferencer's, or a demo's."""
    coco, rng = truth[:, COCO_FROM_H36M, :2], np.random.default_rng(0)
    coco += rng.normal(scale=0.5, size=coco.shape)
    scores = rng.uniform(0.1, 0.9, coco.shape[:2])
    video = mmpose_video(coco, scores, first=0)
    files = write(lambda sequence: dict(meta_info={}, instance_info=video(sequence)) if named else video(sequence))
    store = imported(files, 'coco', first_frame=0)
    np.testing.assert_allclose(store.keypoints[..., :2], as_h36m(coco), rtol=1e-5)
    np.testing.assert_allclose(store.scores, as_h36m(scores[..., None])[..., 0], rtol=1e-5)
    assert not store.has_depth and np.isnan(store.keypoints[..., 2]).all()


@pytest.mark.parametrize('image_id', ['{}', '2_{:012d}.jpg'])
def test_coco_results(imported, write, truth, image_id):
    flat = np.concatenate([truth[..., :2], np.full((96, 17, 1), 0.5)], axis=-1).reshape(96, -1).tolist()

    def results(sequence):
        persons = [dict(image_id=image_id.format(i), keypoints=flat[row]) for i, row in enumerate(sequence.rows)]
        return [dict(person, category_id=1, score=0.9) for person in persons[::-1]]

    store = imported(write(results), first_frame=0)
    np.testing.assert_allclose(store.keypoints[..., :2], truth[..., :2], rtol=1e-5)
    assert (store.scores == 0.5).all()


@pytest.mark.parametrize('subfolder', [False, True])
def test_openpose_fills_joints_that_were_not_found(imported, tmp_path, annotation, truth, subfolder):
    body = np.zeros((96, 25, 3))
    where = [0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11]  # indices of COCO's joints
    body[:, where, :2], body[:, where, 2] = truth[:, COCO_FROM_H36M, :2], 0.75
    expected, scores = as_h36m(body[:, where]), np.full((96, 17), 0.75)
    rows = annotation.sequences[3].rows
    body[rows[4:6], 7] = 0  # the left wrist, missing for two frames
    body[rows[-1], 12] = 0  # the left hip, missing at the end, with the joints made of it
    a, b = expected[rows[3], 13, :2], expected[rows[6], 13, :2]
    expected[rows[4:6], 13, :2] = [a + (b - a) / 3, a + (b - a) * 2 / 3]
    expected[rows[-1], [0, 4, 7]] = expected[rows[-2], [0, 4, 7]]
    scores[rows[4:6], 13] = scores[rows[-1], [0, 4, 7]] = 0
    for sequence in annotation.sequences:
        folder = tmp_path / 'in' / (sequence.name if subfolder else '')
        folder.mkdir(parents=True, exist_ok=True)
        for i, row in enumerate(sequence.rows):
            people = [dict(person_id=[-1], pose_keypoints_2d=body[row].ravel().tolist(), face_keypoints_2d=[])]
            path = folder / f'{sequence.name}_{i:012d}_keypoints.json'
            path.write_text(json.dumps(dict(version=1.3, people=people)))
    store = imported(tmp_path / 'in', 'body_25', first_frame=0)
    assert imported.filled == 5 / (96 * 17)
    np.testing.assert_allclose(store.keypoints[..., :2], expected[..., :2], rtol=1e-5)
    np.testing.assert_allclose(store.scores, scores)


@pytest.mark.parametrize('kind', ['Pose3DInferencer', 'RTMPose3D'])
def test_depths_of_mmposes_3d_files(imported, write, annotation, truth, kind):
    x, y, z = np.moveaxis(annotation.keypoints_3d, -1, 0)
    if kind == 'Pose3DInferencer':
        joints, unit, expected = np.stack([-x, z, 1.5 - y], axis=-1), 'm', z - z[:, :1]
    else:  # bins of an axis of 288 for 2 x 2.1744869 m around 5.14 m, 133 joints
        bins = (z - 5.14) / 2.1744869 * 144 + 144
        joints, unit = np.zeros((96, 133, 3)), 'rtmpose3d_bin'
        joints[:, :17] = -np.stack([x, bins, y], axis=-1)[:, COCO_FROM_H36M]
        expected = as_h36m(z[:, COCO_FROM_H36M, None])[..., 0]
        expected = expected - expected[:, :1]
    lifted = write(mmpose_video(joints, np.ones(joints.shape[:2]), others=0))
    files = write(keypoints=truth[..., :2], scores=np.full((96, 17), 0.5))
    store = imported(files, lifted=lifted, depth_unit=unit)
    np.testing.assert_allclose(store.keypoints[..., 2], expected, atol=1e-5)
    np.testing.assert_allclose(store.keypoints[..., :2], truth[..., :2], rtol=1e-5)
    assert (store.scores == 0.5).all()


@pytest.mark.parametrize(
    ('factor', 'unit', 'message'),
    [
        (1, 'mm', r"in the unit 'mm' a person's joints would spread over 0.000\d+ m in depth.*expected 0.05 to 3.0 m"),
        (-1, 'm', "run against the annotation's: expected camera z relative to the root, larger when farther away"),
        (1, None, r'has depths of S9_\w+\.\d+: give --depth-unit if'),
        (None, 'm', 'has no depths of S9'),
    ],
)
def test_wrong_depths(refused, write, truth, factor, unit, message):
    depth = {} if factor is None else dict(depth=truth[..., 2] * factor)
    refused(message, write(keypoints=truth[..., :2], **depth), depth_unit=unit)


def test_3d_files(refused, write, tmp_path, annotation, truth):
    folder = write(keypoints=truth[..., :2])
    refused('give --depth-unit, one of m, cm, mm', folder, lifted=folder)
    crowded = write(mmpose_video(annotation.keypoints_3d, np.ones((96, 17))))
    refused('has several persons in frame 1', folder, lifted=crowded, depth_unit='m')
    other = crowded.rename(tmp_path / 'crowded').with_name('json')
    write(mmpose_video(np.ones((96, 21, 3)), np.ones((96, 21)), others=0))
    message = "Human3.6M's 17 or COCO-WholeBody's 133 joints, .* got 21 joints"
    refused(message, folder, lifted=other, depth_unit='m')
    folder.rename(tmp_path / 'without')
    both = write(keypoints=truth[..., :2], depth=truth[..., 2])
    refused('has depths of S9.*--lifted only if there are none', both, lifted=other, depth_unit='m')


ELSEWHERE = r"^S9_\w+\.\d+: half of the joints lie more than \S+ sides of the person's box from the annotation"


@pytest.mark.parametrize(
    ('change', 'order', 'message'),
    [
        (lambda uv: uv / 64, 'h36m', ELSEWHERE),  # normalised
        (lambda uv: uv[:, COCO_FROM_H36M], 'h36m', ELSEWHERE),  # COCO's order instead of Human3.6M's
        (lambda uv: uv, 'aic', r"unknown joint order 'aic': expected one of h36m \(17 joints\), coco \(17 .*guess"),
        (lambda uv: uv, 'body_25', r"expected 25 joints in the order 'body_25', got 17\. Name the right --joint-order"),
        (
            lambda uv: np.where(uv == uv[5, 3], np.inf, uv),
            'h36m',
            r'npz: in frame 6 joint 3, .* \[inf, inf\] and a score',
        ),
    ],
)
def test_2d_poses_far_from_the_annotation(refused, write, truth, change, order, message):
    refused(message, write(keypoints=change(truth[..., :2])), order)


def test_nan_without_scores_is_a_joint_that_was_not_found(imported, write, annotation, truth):
    """Also in frames of two people, of whom the nearer one is taken."""
    truth, (first, *_, last) = truth.copy(), annotation.sequences[0].rows
    truth[first, 5, 0] = truth[last, 7, 2] = np.nan
    folder = write(keypoints=truth[..., :2], depth=truth[..., 2])
    path = folder / f'{annotation.sequences[0].name}.npz'
    with np.load(path) as file:
        one = dict(file)
    far = one | dict(keypoints=one['keypoints'] + 40)
    far['keypoints'][:, 3] = np.nan
    np.savez(path, **{key: np.concatenate([far[key], one[key]]) for key in one})
    store = imported(folder, depth_unit='m')
    assert imported.filled == 2 / (96 * 17) and np.argwhere(store.scores == 0).tolist() == [[first, 5], [last, 7]]
    expected = truth.copy()
    expected[first, 5], expected[last, 7] = truth[first + 1, 5], truth[last - 1, 7]
    np.testing.assert_allclose(store.keypoints, expected, atol=1e-5)


def test_folders_that_do_not_exist(refused, write, tmp_path, truth):
    refused(rf'^no folder {tmp_path}/absent: give that of the predictions .*\(--keypoints\)', tmp_path / 'absent')
    folder = write(keypoints=truth[..., :2])
    refused(rf'^no folder {tmp_path}/3d: .*\(--lifted\)', folder, lifted=tmp_path / '3d', depth_unit='m')


def test_missing_frames_are_listed(refused, write, annotation, truth):
    folder = write(keypoints=truth[..., :2])
    message = '8 of 8 .*no frame 1 .*and 3 more videos.*is --first-frame 0 right, and their frame rate'
    refused(message, folder, first_frame=0)
    first, second = (sequence.name for sequence in annotation.sequences[:2])
    (folder / f'{first}.npz').unlink()
    with np.load(folder / f'{second}.npz') as file:
        np.savez(folder / f'{second}.npz', **{key: file[key][[0, 2, 3]] for key in ('frames', 'keypoints')})
    message = (
        f'2 of 8 videos lack .*h36m_test.npz, counted from 1 as there: {first}: no files; '
        f'{second}: no frame 2, 5, 6, 7, 8 and 4 more .3 of 12 frames are there.. '
        f'Expected every frame, in files such as {first}.npz'
    )
    refused(message, folder)


def test_varying_numbers_of_joints(refused, write, truth):
    def content(sequence):
        return [
            dict(frame_id=1 + i, instances=[dict(keypoints=truth[row, : 17 - i, :2], keypoint_scores=np.ones(17 - i))])
            for i, row in enumerate(sequence.rows)
        ]

    refused(r'expected as many joints in every frame, got \[6, 7', write(content))


def test_a_joint_that_is_never_found(refused, write, annotation, truth):
    scores = np.ones((96, 17))
    scores[annotation.sequences[2].rows, 16] = 0
    message = f"{annotation.sequences[2].name}: the joint 'right_wrist', or one .* not found in any of 12 frames"
    refused(message, write(keypoints=truth[..., :2], scores=scores))
