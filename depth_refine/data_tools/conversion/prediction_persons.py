"""The joints and the track id of each person in a json file of predictions, in any of its formats."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from depth_refine.utils.errors import InputError

from .detections import SCORES
from .field_names import IDS, plain_name

_FORMATS = "MMPose's json, OpenPose's json, a list in COCO's format for results, or npz"
_FLAT, _NESTED, _SCORES = 'posekeypoints2d', 'keypoint', 'keypointscore'
# Plain names of keys that the formats have and that are not needed
_OTHERS = {
    *('bbox', 'bboxscore', 'box', 'score', 'categoryid', 'imageid', 'area', 'iscrowd', 'numkeypoint', 'segmentation'),
    *('keypointsvisible', 'keypointsvisibility', 'facekeypoints2d', 'handleftkeypoints2d', 'handrightkeypoints2d'),
    *('posekeypoints3d', 'facekeypoints3d', 'handleftkeypoints3d', 'handrightkeypoints3d'),
}


class Person(NamedTuple):
    """One person in one frame."""

    # (K, 3) of u px, v px, score; (K, 4) or (K, 6) with the depth or the world landmarks before the score; or, from
    # MMPose's 3D files, (K, 4) of three coordinates and the score
    joints: np.ndarray
    track_id: int | None  # None if the file has none
    score: float = np.nan  # of the person; NaN if the file has none
    category: int | str | None = None  # COCO's category_id


def persons_of(path: Path, persons: list, dims: int, unread: dict[str, None]) -> list[Person]:
    """The persons of a frame, all with the same number of joints.

    Args:
        path: of their file, for messages.
        persons: json objects of the file.
        dims: coordinates per joint, 2 or 3.
        unread: names of keys that are not read are added here.

    Raises:
        InputError: they are in another format.
    """
    try:
        named = [{plain_name(key): value for key, value in person.items()} for person in persons]
        people = [person for person in named if person.get(_FLAT) != []]  # OpenPose may find a face or hand only
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
    """The joints (K, dims + 1) of one person in any of the formats."""
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
    """The track id of a person, or None."""
    given = next((person[name] for name in IDS if person.get(name) is not None), None)
    if isinstance(given, list):  # OpenPose's has one number; AlphaPose's without tracking means nothing
        given = given[0] if 'personid' in person and len(given) == 1 else None
    if given is None or given == -1:
        return None
    if given != int(given) or given < 0:
        raise ValueError(f'the track id {given}')
    return int(given)


def _score(person: dict) -> float:
    """The score of a person, NaN if there is none."""
    given = next((person[name] for name in SCORES if name in person), None)
    return float(given) if isinstance(given, int | float) else np.nan


def unknown_form(path: Path, what: str = '') -> InputError:
    """The error for a json file in an unknown format."""
    return InputError(f'{path} has another form than expected: {_FORMATS} {what}'.rstrip())
