import re

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from depth_refine.data_tools.conversion import Predictions
from depth_refine.data_tools.conversion.joint_orders import ORDERS
from depth_refine.inference.predictions.prediction_faults import Comparison
from depth_refine.structures.skeleton import H36M

SIZE = (640, 480)
TIMES = np.arange(90) / 30
LOOKED = np.linspace(0, 89, 16).astype(int)
FLIP = list(H36M.flip_indices)
_X = [0, -26, -28, -28, 26, 28, 28, 0, 0, 0, 0, 34, 60, 64, -34, -58, -60]
_Y = [0, 0, 84, 170, 0, 86, 172, -50, -100, -120, -140, -96, -40, 10, -96, -42, 8]


def moves(seed=0, center=(250.0, 220.0), pixels=14.0):
    """Joints (90, 17, 2), px, of a person 312 px high who faces the camera and never repeats a motion."""
    motion = gaussian_filter1d(np.random.default_rng(seed).normal(size=(90, 17, 2)), 5, axis=0)
    return np.stack([_X, _Y], axis=-1) + np.array(center) + pixels * motion / motion.std()


def noisy(poses, pixels=6.0, seed=1):
    """Joints with noise and a constant offset of each, since estimators define joints differently."""
    rng = np.random.default_rng(seed)
    return poses + rng.normal(0, pixels, poses.shape) + rng.normal(0, pixels, poses.shape[1:])


def compare(seen, joints, frames=None, order='h36m', size=SIZE, times=TIMES, **options):
    """The notes on predicted joints (90, K, 2) if the other estimator sees people (90, 17, 2)."""
    comparison = Comparison(Predictions(joints, np.arange(90) if frames is None else frames, order, **options))
    for person in seen:
        for frame in LOOKED:
            comparison.add(int(frame), person[frame])
    return comparison.notes(size, times)


def as_coco(poses):
    """COCO's joints: the limbs of Human3.6M's, and a face."""
    names = [name.replace('foot', 'ankle') for name in H36M.joint_names]
    return np.stack([poses[:, names.index(name) if name in names else 10] for name in ORDERS['coco']], axis=1)


@pytest.mark.parametrize('seed', range(8))
def test_good_predictions(seed):
    """With noise, gaps, joints that were not found, bystanders on either side, and a person who stands still."""
    rng, person = np.random.default_rng(seed), moves(seed)
    missing = np.flatnonzero(rng.random(90) < 0.6)
    scores = (rng.random((90, 17)) < 0.7).astype(float)
    assert compare([person], noisy(person, 12, seed), scores=scores) == []
    assert compare([person], noisy(person, 12, seed)[missing], missing) == []
    other, both = moves(seed + 20, (500, 250)), np.tile(np.arange(90), 2)
    assert compare([person, other], noisy(person, 8, seed)) == []
    assert compare([person], noisy(np.concatenate([other, person]), 8, seed), both) == []
    assert compare([moves(seed, pixels=0.1)], noisy(moves(seed, pixels=0.1), 8, seed)) == []
    assert compare([person], as_coco(noisy(person, 8, seed)), order='coco') == []
    confused = person.copy()
    confused[25:75] = confused[25:75, FLIP]  # the other estimator's mistake
    assert compare([confused], noisy(person, 8, seed)) == []
    assert compare([person[:, FLIP]], noisy(person, 8, seed), times=TIMES / 4) == [], 'for less than a second'


@pytest.mark.parametrize(
    ('change', 'note'),
    [
        (lambda p: p[:, FLIP], r"Left and right are exchanged .* Expected the person's own left; exchange the sides"),
        (lambda p: [640, 0] + p * [-1, 1], 'x of the predictions runs from the right edge: .*; mirror it'),
        (lambda p: ([640, 0] + p * [-1, 1])[:, FLIP], 'The predictions are of a mirrored video: .* Give the video'),
        (lambda p: [0, 480] + p * [1, -1], 'y of the predictions runs from the lower edge: .*; mirror it'),
        (lambda p: [640, 480] - p, 'The predictions are upside down: .* rotate them by 180 degrees'),
        (lambda p: p[..., ::-1], 'x and y of the predictions are exchanged: .* Expected x, then y'),
        # the frame's upper right corner is the upper left one of a frame turned anticlockwise
        (lambda p: [0, 640] + p[..., ::-1] * [1, -1], 'by 90 degrees, anticlockwise: .* rotate them clockwise'),
        (lambda p: [480, 0] + p[..., ::-1] * [-1, 1], 'by 90 degrees, clockwise: .* rotate them anticlockwise'),
        (lambda p: p * [0.4, 0.5], r'of frames of about 25\d x 2[34]\d px: .* The video has 640 x 480 px; scale them'),
    ],
)
def test_faults(change, note, recwarn):
    person = moves()
    (found,) = compare([person], change(noisy(person)))
    assert re.search(note, found)
    before, after = map(int, re.search(r'in 16 frames .* (\d+) px from there, and (\d+) px once', found).groups())
    limbs = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]
    apart = np.linalg.norm(change(noisy(person)) - person, axis=-1)[LOOKED][:, limbs].clip(0, 156).mean(axis=1)
    assert before == pytest.approx(np.median(apart), rel=0.1) and 6 < after < 15
    assert not recwarn.list
    if '25' not in note:  # a scale is fitted to frames of one person only
        assert len(compare([moves(9, (480, 250)), person], change(noisy(person)))) == 1


@pytest.mark.parametrize('shift', [10, -7, 20])
@pytest.mark.parametrize('exchanged', [False, True])
def test_shifted_frames(shift, exchanged):
    """They are found among gaps, and beside another fault."""
    person, rng = moves(), np.random.default_rng(0)
    frames = np.flatnonzero((np.arange(90) - shift >= 0) & (np.arange(90) - shift < 90) & (rng.random(90) < 0.9))
    joints = noisy(person, 3)[frames - shift][:, FLIP if exchanged else slice(None)]
    *others, note = compare([person], joints, frames + 1, first_frame=1)
    assert len(others) == exchanged
    later = 'later' if shift > 0 else 'earlier'
    found = int(re.search(rf'shifted by about (\d+) frames, and show {later} what is in the video: in', note)[1])
    assert found == pytest.approx(abs(shift), abs=1)
    assert f'If so, {"subtract" if shift > 0 else "add"} {found} ' in note


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize(('rate', 'name', 'frame'), [(2, 'half', 21), (0.5, 'twice', 6)])
def test_another_frame_rate(seed, rate, name, frame):
    """Predictions of every second frame, numbered consecutively; and every pose twice."""
    person = moves(seed, pixels=40)
    joints = noisy(person, 3)[(rate * np.arange(90 / max(rate, 1))).astype(int)]
    frames = np.arange(len(joints))
    looked = np.linspace(0, frames[-1], 16).astype(int)
    comparison = Comparison(Predictions(joints, frames + 1, 'h36m', first_frame=1))
    for at in looked:
        comparison.add(int(at), person[at])
    (note,) = comparison.notes(SIZE, TIMES)
    assert note.startswith(f"The predictions are of {name} the video's frame rate: in ")
    assert note.endswith(f': 11 is now of frame {frame}.')
    joints = np.roll(noisy(person, 3), -10, axis=0)[:45]  # half of the video, and shifted
    assert not any('shifted' in note for note in compare([person], joints, np.arange(45)))


def test_the_number_of_the_first_frame():
    """The files begin at 1, and the caller says 4."""
    person = moves(pixels=40)
    (note,) = compare([person], noisy(person, 2), np.arange(90) + 1, first_frame=4)
    assert 'State 1 as the number of the first frame, or add 3 to the numbers' in note


def test_repeated_motion_is_not_shifted():
    person = np.tile(moves(pixels=40)[:15], (6, 1, 1))
    assert compare([person], noisy(person, 8)) == []


def test_another_order():
    person = moves()
    (note,) = compare([person], as_coco(noisy(person)), order='h36m')
    assert 'not in the order h36m: in 16 frames BlazePose sees 12 of 12 joints' in note
    assert note.endswith('State coco, which fits.')
    joint, number, said = re.search(r'as the (.*) at number (\d+) and not (\d+)', note).groups()
    assert ORDERS['coco'][int(number)] == joint.replace(' ', '_').replace('foot', 'ankle')
    assert H36M.joint_names[int(said)] == joint.replace(' ', '_')
    order = np.random.default_rng(0).permutation(17)
    (note,) = compare([person], noisy(person)[:, order])
    assert note.endswith('State the right order, or write them in a known one.')
    # joints that fit no order: another person's, or random ones
    (note,) = compare([person], noisy(moves(5, (330, 220), 60)) * [0.6, 1.2])
    assert note.startswith('In 16 of 16 frames BlazePose sees nobody in a pose that is predicted: joints are ')
    assert compare([person], 0.2 * moves(5, (500, 250))) == [], 'too small to be seen'


def test_too_few_people_to_compare():
    person = moves()
    assert compare([person], person[:4, FLIP], np.arange(4)) == []
    scores = np.ones((90, 17))
    scores[:, 1:8] = scores[:, 11] = 0
    assert compare([person], person[:, FLIP], scores=scores) == [], 'five limb joints'
    half = person.copy()
    half[:, 1:8] = half[:, 11] = np.nan
    comparison = Comparison(Predictions(person, np.arange(90), 'h36m'))
    comparison.add(3, half[3])
    assert comparison.seen == []
