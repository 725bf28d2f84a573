"""Performances of procedural activities, and the choice of test subjects."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from depth_refine.synthetic.motion import ACTIVITIES, make_motion
from depth_refine.synthetic.subjects import make_proportions, subject_index
from depth_refine.utils.errors import InputError

_TEST_SHARE = 0.275  # of the frames; Human3.6M's S9 and S11 have 26 %


@dataclass(frozen=True)
class Performance:
    """One subject doing one thing, seen by all cameras."""

    subject: str
    action: str  # with the take number, as in file names
    subject_index: int  # for random seeds, like the next
    action_index: int
    joints: np.ndarray  # (T, 17, 3) world metres, 50 frames per second, floor at z = 0, root between the hips
    seat: np.ndarray | None = None  # a chair as x, y metres and heading radians

    def sequence(self, camera: dict) -> str:
        """Name of the video of a camera, as in file names."""
        return f'{self.subject}_{self.action}.{camera["id"]}'


def procedural_performances(
    subjects: Sequence[str], activities: Sequence[str], frames: int, seed: int
) -> list[Performance]:
    """The performances of every subject in every activity.

    Args:
        subjects: names, see :func:`subjects.name_subjects`.
        activities: some of ``ACTIVITIES``.
        frames: frames of each.
        seed: seed of the dataset; a performance does not depend on which others are asked for.

    Raises:
        InputError: an unknown name.
    """
    if unknown := [activity for activity in activities if activity not in ACTIVITIES]:
        raise InputError(f'unknown activities {unknown}: expected some of {list(ACTIVITIES)}')
    performances = []
    for subject in subjects:
        who = subject_index(subject)
        body = make_proportions(who, seed)
        for activity in activities:
            what = list(ACTIVITIES).index(activity)
            joints, seat = make_motion(activity, body, np.random.default_rng([seed, 4, who, what]), frames)
            performances.append(Performance(subject, f'{activity}_1', who, what, joints, seat))
    return performances


def choose_test_subjects(performances: Sequence[Performance]) -> tuple[str, ...]:
    """Subjects with about 27.5 % of the frames for the test split: at least two if there are three or more in all.

    Raises:
        InputError: there is only one subject.
    """
    frames: Counter = Counter()
    for performance in performances:
        frames[performance.subject] += len(performance.joints)
    if len(frames) < 2:
        raise InputError(f'expected motion of two subjects or more, one of them for the test split, got {list(frames)}')
    fewest = 2 if len(frames) > 2 else 1
    rng = np.random.default_rng(0)
    choices = []
    for _ in range(300):
        order = rng.permutation(sorted(frames))
        shares = np.cumsum([frames[name] for name in order])[:-1] / frames.total()
        misses = np.abs(shares[fewest - 1 :] - _TEST_SHARE)
        choices.append((misses.min(), tuple(sorted(order[: fewest + misses.argmin()].tolist()))))
    return min(choices)[1]
