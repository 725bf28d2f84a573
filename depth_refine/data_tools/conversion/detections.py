"""Selection of detections by class and score: people, with a score that is high enough."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from depth_refine.utils.errors import InputError

# Plain names, see field_names
CLASSES = 'categoryid', 'category', 'categoryname', 'class', 'classe', 'clas', 'classname', 'classid', 'label'
SCORES = 'personscore', 'score', 'confidence', 'conf', 'bboxscore', 'boxscore', 'detectionscore'
LEAST = 0.3  # score, as in MMPose's demos
_PEOPLE = 'person', 'persons', 'people', 'pedestrian', 'human'


def are_people(name: str, classes: Sequence, notes: list[str], what: str) -> np.ndarray:
    """Which of N detections are people, as booleans (N,).

    Class names may be in any case. The number 1 is a person, as in COCO and MOTChallenge. If there are zeros and the
    numbers are not called ``category_id``, 0 is a person, as in YOLO and MMDetection. So it is, with a note, if every
    ``category_id`` is 0. Detections without a class are
    kept.

    Args:
        name: of the column or key, as the file writes it.
        classes: N names or numbers.
        notes: a sentence on detections that are left out, or on a ``category_id`` of 0 everywhere, is added here.
        what: the detections are, in the plural, for the sentence.

    Raises:
        InputError: no person is left.
    """
    texts = [None if value in (None, '') else str(value).strip().casefold() for value in classes]
    numbers = [_number(text) for text in texts]
    is_coco = name.strip().casefold() in ('category_id', 'categoryid')
    from_zero = 0 in numbers and (not is_coco or set(numbers) == {0})
    person = 0 if from_zero else 1
    kept = np.array(
        [text is None or text in _PEOPLE or number == person for text, number in zip(texts, numbers, strict=True)], bool
    )
    others = Counter(str(value) for value, is_kept in zip(classes, kept.tolist(), strict=True) if not is_kept)
    listed = ', '.join(f'{other} ({count})' for other, count in others.most_common(5))
    if others and not kept.any():
        raise InputError(f"no {name!r} is 'person' or COCO's 1, but {listed}; leave it out if these are people")
    if from_zero and is_coco:
        notes.append(f"{name!r} is 0 everywhere, and COCO's persons are 1: nothing is left out by it.")
    if others:
        notes.append(f'{what} of other classes than person, by {name!r}, left out: {listed}.')
    return kept


def are_sure(name: str, scores: np.ndarray, notes: list[str], what: str) -> np.ndarray:
    """Which of N detections have a score of at least ``LEAST``, or no score, as booleans (N,).

    All are kept if all scores are below, or if scores are not between 0 and 1.

    Args:
        name: of the column or key, as the file writes it.
        scores: (N,), NaN where there is none.
        notes: a sentence on detections that are left out, or on why none are, is added here.
        what: the detections are, in the plural, for the sentence.
    """
    everything, known = np.ones(len(scores), bool), scores[~np.isnan(scores)]
    if not len(known) or (known == -1).all():
        return everything
    if known.min() < 0 or known.max() > 1:
        notes.append(f'{name!r} is {known.min():.3g} to {known.max():.3g}, not 0 to 1: nothing is left out by it.')
        return everything
    low = scores < LEAST
    if low.all():
        notes.append(f'{name!r} is below {LEAST:g} everywhere: nothing is left out by it.')
        return everything
    if low.any():
        notes.append(f'{what} whose {name!r} is below {LEAST:g}, left out: {int(low.sum())}.')
    return ~low


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
