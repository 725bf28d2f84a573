"""Subjects: the proportions that drive procedural motion, and the clothes that the renderer paints."""

import colorsys
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from depth_refine.structures.skeleton import H36M
from depth_refine.utils.errors import InputError

TRAIN_SUBJECTS = ('S1', 'S5', 'S6', 'S7', 'S8')
TEST_SUBJECTS = ('S9', 'S11')
SUBJECTS = TRAIN_SUBJECTS + TEST_SUBJECTS
_FIRST_FURTHER = 12  # Human3.6M's own subjects end at S11

# Offset of every joint from its parent for a stature of 1 m; x forward, y left, z up, arms and legs hanging.
_OFFSETS = {
    'spine': (-0.008, 0, 0.134),
    'thorax': (0.008, 0, 0.14),
    'neck_base': (0.02, 0, 0.068),
    'head': (-0.008, 0, 0.066),
}
for _side, _left in (('left', 1), ('right', -1)):
    _OFFSETS |= {
        f'{_side}_hip': (0, 0.054 * _left, 0),
        f'{_side}_knee': (0, 0, -0.247),
        f'{_side}_foot': (0, 0, -0.25),
        f'{_side}_shoulder': (0, 0.096 * _left, 0.008),
        f'{_side}_elbow': (0, 0, -0.162),
        f'{_side}_wrist': (0, 0, -0.145),
    }
_ANKLE_HEIGHT = 0.045
_STATURES = (1.62, 1.80, 1.70, 1.86, 1.52, 1.74, 1.66)


@dataclass(frozen=True)
class Proportions:
    """A rigid-limbed body."""

    offsets: dict[str, np.ndarray]  # (3,) metres of a joint from its parent in the rest pose: x forward, y left, z up
    ankle_height: float  # metres of the foot joints above the floor of a standing person

    @property
    def leg(self) -> tuple[float, ...]:
        """Length of the thigh and of the shank, metres."""
        return tuple(float(np.linalg.norm(self.offsets[joint])) for joint in ('right_knee', 'right_foot'))


@dataclass(frozen=True)
class Appearance:
    """What a subject looks like; colours are BGR in [0, 1], as OpenCV orders them."""

    girth: float  # factor on every limb's radius
    skin: tuple
    hair: tuple
    shoe: tuple
    trousers: tuple
    shirt: tuple
    pattern: tuple  # the shirt's second colour
    shirt_kind: str  # 'plain', 'hoops', 'stripes' or 'checks'
    stripe: float  # metres of one stripe
    long_sleeves: bool  # the forearms are clothed
    long_trousers: bool  # the shanks are clothed
    emblem: tuple  # on the chest: tells the front from the back
    band: tuple  # on the left wrist and the left thigh: tells the left from the right


def name_subjects(train_subjects: int, test_subjects: Sequence[str] = TEST_SUBJECTS) -> tuple[str, ...]:
    """Names of so many training subjects, and then of the test subjects.

    Training subjects are Human3.6M's, then S12, S13 and so on, without those who are tested on.

    Args:
        train_subjects: number of training subjects.
        test_subjects: names of the test subjects.

    Raises:
        InputError: the number is below 1.
    """
    if train_subjects < 1:
        raise InputError(f'expected 1 training subject or more, got {train_subjects}')
    names = itertools.chain(TRAIN_SUBJECTS, (f'S{number}' for number in itertools.count(_FIRST_FURTHER)))
    others = (name for name in names if name not in test_subjects)
    return (*itertools.islice(others, train_subjects), *test_subjects)


def subject_index(name: str) -> int:
    """Index of a procedural subject, for its seeds, independent of the other subjects.

    Raises:
        InputError: no such name.
    """
    if name in SUBJECTS:
        return SUBJECTS.index(name)
    if not re.fullmatch(r'S\d{1,6}', name) or int(name[1:]) < _FIRST_FURTHER:
        raise InputError(f'unknown subject {name}: expected {", ".join(SUBJECTS)} or S{_FIRST_FURTHER} and following')
    return len(SUBJECTS) + int(name[1:]) - _FIRST_FURTHER


def make_proportions(index: int, seed: int) -> Proportions:
    """Proportions of the ``index``-th subject: statures of 1.5 to 1.9 m, every limb its own ratio."""
    rng = np.random.default_rng([seed, 1, index])
    stature = _STATURES[index % len(_STATURES)] * rng.uniform(0.98, 1.02)
    both_sides = {name: name.removeprefix('left_').removeprefix('right_') for name in H36M.joint_names}
    ratios = {name: rng.uniform(0.93, 1.07) for name in dict.fromkeys(both_sides.values())}
    offsets = {name: np.array(offset) * stature * ratios[both_sides[name]] for name, offset in _OFFSETS.items()}
    return Proportions(offsets, _ANKLE_HEIGHT * stature)


def make_appearance(index: int, seed: int) -> Appearance:
    """Clothes, skin, hair and girth of the ``index``-th subject; hues are spread over the subjects."""
    rng = np.random.default_rng([seed, 2, index])
    hue = (index * 0.382 + rng.uniform(0, 0.1)) % 1
    skin = np.array([0.50, 0.66, 0.92]) ** rng.uniform(0.8, 1.8) * rng.uniform(0.7, 1.0)
    return Appearance(
        girth=rng.uniform(0.88, 1.15),
        skin=tuple(skin),
        hair=_colour(rng.uniform(0.03, 0.12), rng.uniform(0.2, 0.7), rng.choice([0.12, 0.25, 0.6])),
        shoe=_colour(rng.random(), rng.uniform(0, 0.6), rng.choice([0.15, 0.3, 0.9])),
        trousers=_colour(rng.random(), rng.uniform(0.1, 0.6), rng.uniform(0.2, 0.6)),
        shirt=_colour(hue, rng.uniform(0.3, 0.8), rng.uniform(0.45, 0.95)),
        pattern=_colour((hue + rng.uniform(0.2, 0.8)) % 1, rng.uniform(0.0, 0.8), rng.uniform(0.3, 1.0)),
        shirt_kind=str(rng.choice(['plain', 'hoops', 'stripes', 'checks'])),
        stripe=rng.uniform(0.04, 0.09),
        long_sleeves=bool(rng.random() < 0.5),
        long_trousers=bool(rng.random() < 0.7),
        emblem=_colour(rng.random(), rng.uniform(0, 0.8), rng.choice([0.1, 0.95])),
        band=_colour(rng.random(), 0.9, 0.95),
    )


def _colour(hue: float, saturation: float, value: float) -> tuple:
    return colorsys.hsv_to_rgb(hue, saturation, value)[::-1]
