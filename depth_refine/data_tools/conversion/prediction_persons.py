"""A person of a json file of predictions, in any of its formats: joints and who it is, under whatever names."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.utils.errors import InputError

from .detections import SCORES
from .field_names import IDS, plain_name

_FORMATS = "MMPose's json, OpenPose's json, a list in COCO's format for results, or npz"
_FLAT, _NESTED, _SCORES = 'posekeypoints2d', 'keypoint', 'keypointscore'
# Plain names of a person that are in the formats and are not needed
_OTHERS = {
    *('bbox', 'bboxscore', 'box', 'score', 'categoryid', 'imageid', 'area', 'iscrowd', 'numkeypoint', 'segmentation'),
    *('keypointsvisible', 'keypointsvisibility', 'facekeypoints2d', 'handleftkeypoints2d', 'handrightkeypoints2d'),
    *('posekeypoints3d', 'facekeypoints3d', 'handleftkeypoints3d', 'handrightkeypoints3d'),
}


class Person(NamedTuple):
    """One person in one frame."""

    # (K, 3) of u px, v px, score; (K, 4) or (K, 6) with the depth or the world landmarks before it; and of MMPose's 3D
    # files (K, 4) of three coordinates and the score
    joints: np.ndarray
    track_id: int | None  # who it is, where the file says
    score: float = np.nan  # of the person, where the file says
    category: int | str | None = None  # COCO's category_id


def persons_of(path: Path, persons: list, dims: int, unread: dict[str, None]) -> list[Person]:
    """The persons of a frame, who have equally many joints.

    Args:
        path: of their file, for messages.
        persons: objects of it.
        dims: coordinates of a joint, 2 or 3.
        unread: takes the names of what is there and is not read.

    Raises:
        InputError: they are of another form.
    """
    try:
        named = [{plain_name(key): value for key, value in person.items()} for person in persons]
        people = [person for person in named if person.get(_FLAT) != []]  # a face or hand alone
        found = [
            Person(_joints(person, dims), _track_id(person), _score(person), person.get('categoryid'))
            for person in people
        ]
        if len({len(person.joints) for person in found}) > 1:
            raise ValueError('different numbers of joints')
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise unknown_form(path, f'with persons of {dims} coordinates a joint ({error!r})') from error
    read = {_FLAT, _NESTED, _SCORES, *IDS, *SCORES, *_OTHERS}
    unread |= dict.fromkeys(key for person in persons for key in person if plain_name(key) not in read)
    return found


def _joints(person: dict, dims: int) -> np.ndarray:
    """(K, dims + 1) of one person of any of the formats."""
    if _FLAT not in person and _NESTED not in person:
        raise KeyError('keypoints')
    keypoints = np.array(person[_FLAT] if _FLAT in person else person[_NESTED], float)
    if _SCORES in person:
        joints = np.column_stack([keypoints, np.array(person[_SCORES], float)])
    else:
        joints = np.reshape(keypoints, (-1, 3))
    if joints.shape[1] != dims + 1:
        advice = '; 3D poses belong beside the 2D ones, in a file of their own' if joints.shape[1] == 4 else ''
        raise ValueError(f'{joints.shape[1] - 1} coordinates a joint{advice}')
    return joints


def _track_id(person: dict) -> int | None:
    """Who a person is, if the format says."""
    given = next((person[name] for name in IDS if person.get(name) is not None), None)
    if isinstance(given, list):  # OpenPose's, of one number; AlphaPose's of others says nothing
        given = given[0] if 'personid' in person and len(given) == 1 else None
    if given is None or given == -1:
        return None
    if given != int(given) or given < 0:
        raise ValueError(f'the track id {given}')
    return int(given)


def _score(person: dict) -> float:
    """How sure a person is, NaN if the format does not say."""
    given = next((person[name] for name in SCORES if name in person), None)
    return float(given) if isinstance(given, int | float) else np.nan


def unknown_form(path: Path, what: str = '') -> InputError:
    """The error of a json file in no known format."""
    return InputError(f'{path} has another form than expected: {_FORMATS} {what}'.rstrip())
