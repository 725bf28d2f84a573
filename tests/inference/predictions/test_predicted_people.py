import re

import numpy as np
import pytest

from depth_refine.data_tools.conversion import Predictions
from depth_refine.data_tools.conversion.joint_orders import ORDERS, to_h36m
from depth_refine.functional.camera import pixel_rays
from depth_refine.inference.predictions.predicted_people import on_images, predicted_people
from depth_refine.structures.camera import make_camera
from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

SIZE = (640, 480)
TIMES = np.arange(60) / 30
# A person faces the camera, knees a little bent, the right side at the image's left: metres, x right, y down, z away
STANDING = np.array(
    [
        *([0, 0, 0], [-0.13, 0, 0], [-0.14, 0.42, -0.1], [-0.14, 0.85, 0.05], [0.13, 0, 0], [0.14, 0.43, -0.06]),
        *([0.14, 0.86, 0.04], [0, -0.25, 0.02], [0, -0.5, 0], [0, -0.6, -0.05], [0, -0.7, 0]),
        *([0.17, -0.48, 0], [0.3, -0.2, 0.05], [0.3, 0.05, -0.1], [-0.17, -0.48, 0], [-0.3, -0.2, 0.04]),
        [-0.3, 0.05, -0.15],
    ]
)


def walk(start, frames=TIMES):
    """Pixels (T, 17, 2) and depths (T, 17), metres, of a person 4 m away who walks to the right."""
    x = start + np.linspace(0, 120, len(frames))
    pixels = np.stack([x, np.full_like(x, 250)], axis=-1)[:, None] + 200 * STANDING[None, :, :2]
    return pixels, np.tile(4 + STANDING[:, 2], (len(frames), 1))


def predictions(keypoints, frames=None, order='h36m', **options):
    return Predictions(keypoints, np.arange(60) if frames is None else frames, order, **options)


@pytest.fixture
def two_people():
    """Predictions of two people who walk side by side; person 1 is missing in frames 20 to 29."""
    pixels, depth = (np.concatenate(both) for both in zip(walk(100), walk(350), strict=True))
    frames, who = np.tile(np.arange(60), 2), np.repeat([0, 1], 60)
    kept = ~((who == 1) & (frames >= 20) & (frames < 30))
    order = np.argsort(frames[kept], kind='stable')
    return [values[kept][order] for values in (pixels, depth, frames, who)]


@pytest.mark.parametrize('has_ids', [True, False])
def test_two_people_and_missing_frames(two_people, has_ids):
    pixels, depth, frames, who = two_people
    options = dict(track_ids=who + 5) if has_ids else {}
    scores = np.random.default_rng(0).uniform(0.1, 1.5, depth.shape)
    given = predictions(
        pixels, frames + 1, scores=scores, depth=1000 * depth, depth_unit='mm', first_frame=1, **options
    )
    seen = predicted_people(given, SIZE, TIMES)
    assert (seen.size, seen.notes, seen.has_depth, seen.has_ids) == (SIZE, [], True, has_ids)
    np.testing.assert_array_equal(seen.times, TIMES)
    np.testing.assert_array_equal(seen.frames, frames)
    np.testing.assert_array_equal(seen.ids, who + 5 if has_ids else who)
    np.testing.assert_allclose(seen.bboxes, np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1), rtol=1e-6)
    assert seen.measurements.shape == (110, 17, 5) and seen.measurements.dtype == seen.bboxes.dtype == np.float32
    np.testing.assert_allclose(seen.measurements[..., :2], pixels, rtol=1e-6)
    np.testing.assert_allclose(seen.measurements[..., 2], np.tile(STANDING[:, 2], (110, 1)), atol=1e-6)
    np.testing.assert_allclose(seen.measurements[..., 3], scores.clip(0, 1), rtol=1e-6)
    assert np.isnan(seen.measurements[..., 4]).all()


def test_poses_alone_in_another_order_and_without_the_video():
    pixels, _ = walk(100)
    joints = np.random.default_rng(0).uniform(200, 400, (60, 26, 2))
    names = [name.replace('foot', 'ankle') for name in H36M.joint_names]
    shared = [name for name in ORDERS['halpe26'] if name in names]
    joints[:, [ORDERS['halpe26'].index(name) for name in shared]] = pixels[:, [names.index(name) for name in shared]]
    scores = np.random.default_rng(1).uniform(0.1, 1, (60, 26))
    seen = predicted_people(predictions(joints, order='halpe26', scores=scores), SIZE, fps=25)
    assert seen.notes == ['The predictions have no time stamps and are taken as 25 a second.']
    assert not seen.has_depth and np.isnan(seen.measurements[..., [2, 4]]).all()
    np.testing.assert_allclose(seen.times, np.arange(60) / 25)
    np.testing.assert_allclose(seen.measurements[..., :2], to_h36m(joints, 'halpe26'), rtol=1e-6)
    np.testing.assert_allclose(seen.measurements[..., 3], to_h36m(scores[..., None], 'halpe26')[..., 0], rtol=1e-6)
    np.testing.assert_allclose(seen.bboxes[:, :2], joints.min(axis=1), rtol=1e-6)  # of all 26


def test_joints_that_were_not_found_are_interpolated_in_time():
    """Frames are unevenly spaced; before the first and after the last one, joints stay."""
    times = np.array([0, 0.1, 0.15, 0.4, 0.5, 0.6])
    pixels, depth = walk(100, times)
    scores = np.full((6, 17), 0.5)
    scores[[1, 2], 13] = 0
    pixels[0, 3] = depth[5, 6] = np.nan
    given = predictions(pixels, np.arange(6), scores=scores, depth=depth, depth_unit='m')
    seen = predicted_people(given, SIZE, times)
    a, b = pixels[0, 13], pixels[3, 13]
    np.testing.assert_allclose(seen.measurements[1:3, 13, :2], [a + (b - a) / 4, a + (b - a) * 3 / 8], rtol=1e-6)
    np.testing.assert_allclose(seen.measurements[0, 3, :2], pixels[1, 3], rtol=1e-6)
    np.testing.assert_allclose(seen.measurements[5, 6, :3], [*pixels[4, 6], STANDING[6, 2]], rtol=1e-5)
    assert np.argwhere(seen.measurements[..., 3] == 0).tolist() == [[0, 3], [1, 13], [2, 13], [5, 6]]
    assert seen.notes == ['Joints that were not found and are interpolated over time, with score 0: 4 (3.9 %).']


def openpose(pixels):
    """OpenPose's joints (T, 25, 2), those of the face around the head."""
    names = [name.replace('ankle', 'foot') for name in ORDERS['body_25']]
    joints = np.repeat(pixels[:, [H36M.joint_names.index('head')]], 25, axis=1) + np.linspace(-9, 9, 25)[:, None]
    shared = [name for name in names if name in H36M.joint_names]
    joints[:, [names.index(name) for name in shared]] = pixels[:, [H36M.joint_names.index(name) for name in shared]]
    return joints


def test_openpose_sees_a_person_from_the_side():
    """One eye and one ear are found; another person, without feet, is left out."""
    joints, frames = np.concatenate([openpose(walk(x)[0]) for x in (100, 350)]), np.tile(np.arange(60), 2)
    scores, ids = np.full(joints.shape[:2], 0.5), np.repeat([3, 8], 60)
    scores[:60, [16, 18]] = scores[60:, [11, 14]] = 0
    seen = predicted_people(predictions(joints, frames, 'body_25', scores=scores, track_ids=ids), SIZE, TIMES)
    assert seen.ids.tolist() == [3] * 60
    np.testing.assert_allclose(seen.measurements[:, 10, :2], joints[:60, [0, 15, 17]].mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(seen.measurements[:, 9, :2], joints[:60, 0], rtol=1e-6)
    assert seen.notes == [
        'Person 3, head: never found, and taken as the middle of the face.',
        'People of whom a joint is never found, left out: 8 (right_foot).',
    ]
    with pytest.raises(
        InputError, match=r'never found, left out: 8 \(right_foot\)\. Nobody remains; each joint must be'
    ):
        alone = predictions(joints[60:], np.arange(60), 'body_25', scores=scores[60:], track_ids=ids[60:])
        predicted_people(alone, SIZE, TIMES)


def test_a_person_who_comes_back_is_filled_alone():
    """The tracks before and after an absence of more than a second do not share joints."""
    pixels, _ = walk(100)
    rows = np.r_[0:10, 45:60]
    scores = np.ones((25, 17))
    scores[10:12, 16] = 0
    seen = predicted_people(predictions(pixels[rows], rows, scores=scores, track_ids=np.zeros(25, int)), SIZE, TIMES)
    np.testing.assert_allclose(seen.measurements[10:12, 16, :2], pixels[[47, 47], 16], rtol=1e-6)
    scores[10:, 16] = 0
    seen = predicted_people(predictions(pixels[rows], rows, scores=scores, track_ids=np.zeros(25, int)), SIZE, TIMES)
    assert seen.frames.tolist() == list(range(10))


def test_world_landmarks_are_turned_to_the_camera():
    """A person at the left edge of a wide lens, whose landmarks are along the view to the hips."""
    camera = make_camera(SIZE, (300.0, 310.0, 320.0, 240.0))[0]
    pixels, _ = walk(60)
    axis = np.append(pixel_rays(pixels[0, 0], camera), 1)
    away = axis / np.linalg.norm(axis)
    c, (x, y) = away[2], away[:2]
    view = np.array(
        [[1 - x * x / (1 + c), -x * y / (1 + c), x], [-x * y / (1 + c), 1 - y * y / (1 + c), y], [-x, -y, c]]
    )
    np.testing.assert_allclose(view @ [0, 0, 1], away)
    landmarks = np.tile(STANDING @ view + 3.0, (60, 1, 1))  # x @ view is view.T @ x
    still = np.tile(pixels[:1], (60, 1, 1))
    given = predictions(still, world_landmarks=landmarks, depth_unit='m')
    seen = predicted_people(given, SIZE, TIMES, camera=camera)
    np.testing.assert_allclose(seen.measurements[..., 2], np.tile(STANDING[:, 2], (60, 1)), atol=1e-6)
    assumed = predicted_people(given, SIZE, TIMES).measurements[..., 2]
    assert 0.005 < np.abs(assumed - STANDING[:, 2]).max() < 0.3


@pytest.mark.parametrize('kind', ['exchanged', 'depths run the other way', 'mirrored'])
def test_knees_that_bend_backwards(kind):
    pixels, depth = walk(100)
    if kind == 'exchanged':
        pixels, depth = pixels[:, H36M.flip_indices], depth[:, H36M.flip_indices]
    elif kind == 'mirrored':
        pixels[..., 0] = SIZE[0] - pixels[..., 0]
    else:
        depth = -depth
    (note,) = predicted_people(predictions(pixels, depth=depth, depth_unit='m'), SIZE, TIMES).notes
    assert note.startswith('Knees bend the wrong way: left and right are exchanged in the predictions, or the depths')


@pytest.mark.parametrize(
    ('size', 'times', 'first_frame', 'numbers', 'note'),
    [
        (SIZE, TIMES, 0, np.arange(1, 60), 'The first prediction is of frame 1, which is read as the second frame.'),
        (SIZE, np.arange(120) / 60, 0, np.arange(60), 'Predictions are of frames 0 to 59, and the video has 120: they'),
        (
            (430, 300),
            TIMES,
            0,
            np.arange(60),
            r'2\d %.* They fit frames of 300 x 430 px: are width and height exchanged\?$',
        ),
        ((640, 400), TIMES, 0, np.arange(60), r'1\d % of the joints lie outside the frame: .* of 640 x 400 px\. Were'),
    ],
)
def test_notes_on_what_may_be_wrong(size, times, first_frame, numbers, note):
    given = predictions(walk(100)[0][: len(numbers)], numbers, first_frame=first_frame)
    (found,) = predicted_people(given, size, times).notes
    assert re.match(note, found)


@pytest.mark.parametrize(
    ('low', 'high', 'is_smaller'),
    [
        ((-0.3, 10), (300, 230), True),  # found on a copy of 320 x 240 px
        ((-0.3, 10), (400, 330), False),  # of no usual size
        ((-0.3, 10), (321, 230), False),  # beyond its edge
        # people who stand in one part
        *[((-0.3, 90), (300, 230), False), ((90, 10), (300, 230), False)],
        *[((-0.3, 10), (200, 230), False), ((-0.3, 10), (300, 150), False)],
    ],
)
def test_predictions_on_a_smaller_copy(low, high, is_smaller):
    """Joints come near to all edges of the smaller frame: in x and y, and in any of the frames."""
    pixels, _ = walk(100)
    ends = pixels.min(axis=(0, 1)), pixels.max(axis=(0, 1))
    joints = np.add(low, (pixels - ends[0]) * np.subtract(high, low) / (ends[1] - ends[0]))
    notes = predicted_people(predictions(joints), SIZE, TIMES).notes
    expected = 'Joints fill frames of 320 x 240 px: they reach from (0, 10) to (300, 230) of 640 x 480 px. Were they'
    assert [note[: len(expected)] for note in notes] == [expected] * is_smaller


def test_notes_on_scores_trunks_and_ids(two_people):
    """Percentages, a video that is not upright, another order of 17 joints, y before x, ids that number boxes."""
    pixels, _, frames, who = two_people
    names = [name.replace('foot', 'ankle') for name in H36M.joint_names]
    coco = np.stack([pixels[:, names.index(name if name in names else 'head')] for name in ORDERS['coco']], axis=1)
    lying = re.compile(
        "Trunks lie or point down in 100 % of the poses. Unless people do: are the joints in the order '"
    )
    for turned in (coco, pixels[..., ::-1], [600, 400] - pixels):
        note = predicted_people(predictions(np.asarray(turned), frames, track_ids=who), SIZE, TIMES).notes[-1]
        assert lying.match(note)
    percent = predictions(pixels, frames, scores=np.full(pixels.shape[:2], 87.5), notes=['Not read.'])
    assert predicted_people(percent, SIZE, TIMES).notes == [
        'Not read.',
        'Scores reach 87.5, expected 0 to 1; above 1 they count as 1. Divide percentages by 100.',
    ]
    order = np.where(np.bincount(frames)[frames] == 2, frames % 2 * (1 - 2 * who) + who, who)
    (note,) = predicted_people(predictions(pixels, frames, track_ids=order), SIZE, TIMES).notes
    assert note.startswith('Track ids change places in 48 frames, first 0 and 1 in frame 1, counted from 0: do they')


@pytest.mark.parametrize('rate', [5, 15, 50])
def test_a_runner_is_one_person(rate):
    """3 m/s at 60 px a metre, without ids: 36, 12 and 4 px a frame, of a person 22 px wide."""
    path = np.stack([40 + 180 / rate * np.arange(15), np.full(15, 200)], axis=-1)
    pixels = path[:, None] + 60 * STANDING[:, :2] * [0.6, 1]
    assert (predicted_people(predictions(pixels, np.arange(15)), SIZE, np.arange(15) / rate).ids == 0).all()


@pytest.mark.parametrize(
    ('options', 'size', 'times', 'message'),
    [
        (dict(first_frame=1), SIZE, TIMES, r'they are of frame 0, and the video\'s first one is said to be 1\. State'),
        (
            dict(frames=np.arange(1, 61)),
            SIZE,
            TIMES,
            'frames 1 to 60, and the video has 60, 0 to 59. .* is 0 the number',
        ),
        ({}, SIZE, TIMES[:30], 'frames 0 to 59, and the video has 30, 0 to 29. Are they of this video'),
        (
            {},
            (200, 150),
            TIMES,
            r'\d\d % of the joints lie outside the frame: they reach .* of 200 x 150 px\. Expected',
        ),
        (dict(frames=np.arange(60) + 10**12), SIZE, None, 'of frames 10{12} to 10{10}59. Expected numbers of a video'),
        (
            dict(depth=walk(100)[1], depth_unit='mm'),
            SIZE,
            TIMES,
            "in the unit 'mm' a person's joints would spread over",
        ),
    ],
)
def test_predictions_of_another_video(options, size, times, message):
    with pytest.raises(InputError, match=message):
        predicted_people(predictions(walk(100)[0], **options), size, times)


def test_people_outside_the_frame_are_left_out(two_people):
    pixels, _, frames, who = two_people
    pixels[who == 1] += [700, 0]
    seen = predicted_people(predictions(pixels, frames), SIZE, TIMES)
    assert set(seen.ids) == {0} and len(seen.frames) == 60
    assert seen.notes[-1] == 'Predictions without a person, or of people outside the frame, left out: 50.'
    with pytest.raises(InputError, match='nobody has joints that are more than 2 px apart inside the frame'):
        predicted_people(predictions(np.full((60, 17, 2), 99.0)), SIZE, TIMES)


def test_frame_numbers_from_the_image_names_of_a_folder():
    """Images are numbered 30 to 89; two have no prediction."""
    numbers, pixels = np.arange(30, 90), walk(100)[0]
    given = on_images(predictions(pixels[2:], numbers[2:]), numbers.tolist())
    seen = predicted_people(given, SIZE, TIMES)
    assert seen.frames.tolist() == [*range(2, 60)]
    np.testing.assert_allclose(seen.measurements[..., :2], pixels[2:], rtol=1e-6)
    (note,) = seen.notes
    assert note == 'Frames of the predictions are those whose numbers are in the names of the images, 30 to 89.'


@pytest.mark.parametrize(('unit', 'factor'), [('cm', None), ('mm', 0.1)])
def test_depths_in_another_unit(unit, factor):
    """A person turns round; depths are, for example, centimetres that are said to be millimetres."""
    angle = np.linspace(0, np.pi, 60)[:, None]
    x = np.cos(angle) * STANDING[:, 0] + np.sin(angle) * STANDING[:, 2]
    depth = np.cos(angle) * STANDING[:, 2] - np.sin(angle) * STANDING[:, 0]
    pixels = np.stack([320 + 200 * x, np.tile(240 + 200 * STANDING[:, 1], (60, 1))], axis=-1)
    seen = predicted_people(predictions(pixels, depth=400 + 100 * depth, depth_unit=unit), SIZE, TIMES)
    if factor is None:
        assert seen.notes == []
    else:
        (note,) = seen.notes
        assert float(re.search(r'about (\S+) times too small', note)[1]) == pytest.approx(1 / factor, rel=0.25)
        assert "In the unit 'mm' depths look" in note and 'What would fit: cm' in note
    np.testing.assert_allclose(seen.measurements[..., 2], (factor or 1) * depth, atol=1e-6)
