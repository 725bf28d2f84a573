"""Reads per-frame predictions of pose estimators, one video at a time, and maps joints to Human3.6M's 17.

P persons, K joints. The predictions of the video ``S1_Walking_1.54138969`` are looked for in a folder as

- ``S1_Walking_1.54138969.npz``: ``frames`` (T,), ``keypoints`` (T, K, 2) px, perhaps ``scores`` (T, K), 1 if missing,
  and perhaps ``depth`` (T, K);
- ``S1_Walking_1.54138969.json``: of MMPose's inferencers and demos for a video, or a list in COCO's format for results,
  whose ``image_id`` is a frame number or an image name that ends in one;
- ``S1_Walking_1.54138969_<frame number>.json`` or ``..._keypoints.json``, there or in a folder with the video's name:
  one file an image, as MMPose's inferencers and OpenPose write.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from mmpose.apis.inference_3d import convert_keypoint_definition

from depth_refine.datasets.npz_stream import load_arrays
from depth_refine.utils.errors import InputError

Frames = dict[int, np.ndarray]

NUM_JOINTS = dict(h36m=17, coco=17, coco_wholebody=133, body_25=25)  # by joint order
# OpenPose's BODY_25 to COCO's order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, left before
# right. Its own neck and middle of the hips are not used, so that one convention holds for all.
_COCO_IN_BODY_25 = (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11)
_FORMATS = "MMPose's json, OpenPose's json, a list in COCO's format for results, or npz"


def read_keypoints(folder: Path, sequence: str) -> Frames:
    """Predictions in the image for a video; nothing if there are no files of it in ``folder``.

    Returns:
        For each frame number as in the files, (P, K, 3) of (u px, v px, score), or (P, K, 4) with the depth before it.

    Raises:
        InputError: a file is damaged or of another form.
    """
    archive = folder / f'{sequence}.npz'
    return _read_npz(archive) if archive.is_file() else _read_json(folder, sequence, 2)


def read_lifted(folder: Path, sequence: str) -> Frames:
    """3D poses from the json files of MMPose's ``Pose3DInferencer`` and lifting demos, and of RTMPose3D's demo.

    Returns:
        For each frame number as in the files, (P, K, 4) of their three coordinates and a score.

    Raises:
        InputError: as :func:`read_keypoints`.
    """
    return _read_json(folder, sequence, 3)


def to_h36m(keypoints: np.ndarray, order: str) -> np.ndarray:
    """Joints (N, K, C) of another order, a key of ``NUM_JOINTS``, as Human3.6M's (N, 17, C).

    The convention for COCO, with which COCO-WholeBody begins, is MMPose's: the root is the middle of the hips, the
    thorax the middle of the shoulders, the spine the middle of these two, the neck base the nose and the head the
    middle of the eyes. Nose and eyes are some centimetres below and before Human3.6M's joints. All C channels are
    treated alike: a depth or score becomes the mean, and NaN makes all that depends on it NaN.

    Raises:
        InputError: the order is not known, or K is not its number of joints.
    """
    known = ', '.join(f'{name} ({count} joints)' for name, count in NUM_JOINTS.items())
    if order not in NUM_JOINTS:
        raise InputError(
            f'unknown joint order {order!r}: expected one of {known}. Which number is which joint cannot be guessed '
            'from coordinates; write the joints in one of these orders.'
        )
    if keypoints.shape[1] != NUM_JOINTS[order]:
        raise InputError(
            f'expected {NUM_JOINTS[order]} joints in the order {order!r}, got {keypoints.shape[1]}. Name the right '
            f'order of {known}, or write the joints in one of these.'
        )
    if order == 'h36m':
        return keypoints
    coco = keypoints[:, _COCO_IN_BODY_25] if order == 'body_25' else keypoints[:, : NUM_JOINTS['coco']]
    return convert_keypoint_definition(coco, 'coco', 'h36m')


def _read_npz(path: Path) -> Frames:
    try:
        found = load_arrays(path)
    except Exception as error:  # whatever zipfile, zlib and numpy raise on damaged bytes
        raise InputError(f'{path} is not a readable npz file ({error}). Write or copy it again.') from error
    arrays = {key: found[key] for key in ('frames', 'keypoints', 'scores', 'depth') if key in found}
    missing = {'frames', 'keypoints'} - arrays.keys()
    if missing:
        raise InputError(f"{path} lacks {sorted(missing)[0]!r}: expected 'frames', 'keypoints', 'scores' and 'depth'")
    shape = np.shape(arrays['keypoints'])[:2]
    arrays.setdefault('scores', np.ones(shape))
    expected = dict(frames=shape[:1], keypoints=(*shape, 2), scores=shape, depth=shape)
    for key, array in arrays.items():
        kinds, what = ('iu', 'whole numbers') if key == 'frames' else ('fiu', 'numbers')
        if array.shape != expected[key] or len(shape) != 2 or array.dtype.kind not in kinds:
            raise InputError(
                f'{path}: expected {what} of shape {expected[key]} in {key!r}, got {array.dtype} {array.shape}. '
                'keypoints are (frames, joints, 2), and the others fit them.'
            )
    columns = [arrays['keypoints'], *(arrays[key][..., None] for key in ('depth', 'scores') if key in arrays)]
    persons = np.concatenate(columns, axis=-1)[:, None]
    return _by_number(path, zip(arrays['frames'].tolist(), persons, strict=True))


def _by_number(path: Path, frames: Iterable[tuple[int, np.ndarray]]) -> Frames:
    """Frames by their numbers, none of them twice."""
    found: Frames = {}
    for number, persons in frames:
        if number in found:
            raise InputError(f'{path} has frame {number} twice: expected each once. Remove one of them.')
        found[number] = persons
    return found


def _read_json(folder: Path, sequence: str, dims: int) -> Frames:
    """Persons (P, K, dims + 1) by frame number."""
    whole = folder / f'{sequence}.json'
    if whole.is_file():
        return _by_number(whole, ((frame, _stack(whole, found, dims)) for frame, found in _frames_of_video(whole)))
    name = re.compile(re.escape(sequence) + r'_(\d+)(_keypoints)?\.json')
    paths = sorted([*folder.glob(f'{sequence}_*.json'), *(folder / sequence).glob(f'{sequence}_*.json')])
    numbers = [(int(match[1]), path) for path in paths if (match := name.fullmatch(path.name))]
    frames = ((number, _stack(path, _load(path), dims)) for number, path in numbers)
    return _by_number(folder / f'{sequence}_*.json', frames)


def _load(path: Path) -> list:
    """The list in a json file, or that in a dict as of MMPose's demos and OpenPose."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f'{path} is not a readable json file ({error}). Write or copy it again.') from error
    if isinstance(content, dict):
        content = content.get('people', content.get('instance_info'))
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        raise _unknown_form(path)
    return content


def _frames_of_video(path: Path) -> Iterator[tuple[int, list]]:
    """Frame numbers and persons of a video's json file."""
    content = _load(path)
    if all(isinstance(item.get('frame_id'), int) and isinstance(item.get('instances'), list) for item in content):
        for item in content:
            yield item['frame_id'], item['instances']
    elif all('image_id' in item and 'keypoints' in item for item in content):
        frames: dict[int, list] = {}
        for person in content:
            number = re.search(r'(\d+)\D*$', str(person['image_id']))
            if number is None:
                raise InputError(f'{path}: expected a frame number at the end of image_id, got {person["image_id"]!r}')
            frames.setdefault(int(number[1]), []).append(person)
        yield from frames.items()
    else:
        raise _unknown_form(path)


def _stack(path: Path, persons: list, dims: int) -> np.ndarray:
    """Persons (P, K, dims + 1); none are (0, 0, dims + 1)."""
    try:
        arrays = [_person(person, dims) for person in persons]
        return np.stack(arrays) if arrays else np.empty((0, 0, dims + 1))
    except (KeyError, TypeError, ValueError) as error:
        raise _unknown_form(path, f'with persons of {dims} coordinates a joint ({error!r})') from error


def _person(person: dict, dims: int) -> np.ndarray:
    """(K, dims + 1) of one person of any of the formats."""
    openpose = 'pose_keypoints_2d'
    keypoints = np.array(person[openpose if openpose in person else 'keypoints'], float)
    if 'keypoint_scores' in person:
        joints = np.column_stack([keypoints, np.array(person['keypoint_scores'], float)])
    else:
        joints = np.reshape(keypoints, (-1, 3))
    if joints.shape[1] != dims + 1:
        raise ValueError(f'{joints.shape[1] - 1} coordinates a joint')
    return joints


def _unknown_form(path: Path, what: str = '') -> InputError:
    return InputError(f'{path} has another form than expected: {_FORMATS} {what}'.rstrip())
