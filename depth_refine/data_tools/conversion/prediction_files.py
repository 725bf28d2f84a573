"""Per-frame predictions of pose estimators, read one video at a time, in the joint order of the files.

Shape key: N persons in all frames together, P persons in a frame, K joints. A video's predictions are one of

- an npz file: ``frames`` (N,), ``keypoints`` (N, K, 2) px; optionally ``scores`` (N, K), ``depth`` (N, K) or
  ``world_landmarks`` (N, K, 3), and ``track_id`` (N,). Without scores they are 0 for joints with NaN, 1 for others;
- a json file: that of MMPose's inferencers and demos for a video; or a list in COCO's format for results, which
  AlphaPose also writes, whose ``image_id`` is a frame number or an image name that ends in one;
- a json file for each image, as MMPose's inferencers and OpenPose write: ``<name>_<frame number>.json`` or
  ``..._keypoints.json``.

Joints whose score is above 0 must have finite coordinates. Track ids are read from ``track_id``, AlphaPose's ``idx``
and OpenPose's ``person_id``. Without tracking, AlphaPose writes lists as ``idx``, and OpenPose writes -1, which are
ignored. Names of arrays and of a person's keys may be in any case, with spaces, ``_`` or ``-``, and in the plural.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from depth_refine.datasets.npz_stream import load_arrays
from depth_refine.utils.errors import InputError
from depth_refine.utils.file_names import list_files

from .field_names import FRAMES, IDS, frame_of, plain_name
from .prediction_persons import Person, persons_of, unknown_form

Frames = dict[int, np.ndarray]

_KEYS = dict(  # of npz files, with their plain names, see field_names
    frames=FRAMES,
    keypoints=('keypoint',),
    scores=('score', 'keypointscore', 'confidence'),
    depth=('depth',),
    world_landmarks=('worldlandmark',),
    track_id=IDS,
)
_NUMBERED = re.compile(r'(.*?)(\d+)(_keypoints)?\.json', re.IGNORECASE)


People = dict[int, list[Person]]  # by frame number as in the files


def read_people(path: Path, dims: int = 2) -> tuple[People, list[str]]:
    """Predictions of a video from its npz file, its json file, or a folder with a json file for each image.

    Args:
        path: the file or folder.
        dims: coordinates per joint in json files: 2 in the image, or 3 in MMPose's 3D files.

    Returns:
        The people, and names of arrays or keys that are not read.

    Raises:
        InputError: the file is missing, damaged, or of another format.
    """
    unread: dict[str, None] = {}
    if path.is_dir():
        found = [(match, file) for file in list_files(path, '.json') if (match := _NUMBERED.fullmatch(file.name))]
        names = sorted({match[1] for match, _ in found})
        if len(names) != 1:
            raise InputError(
                f'{path}: expected one json file for each image of one video, whose names end in frame numbers, '
                + (f'got those of {len(names)} videos: {names[0]}..., {names[1]}...' if names else 'got none')
            )
        numbered = [(int(match[2]), file) for match, file in found]
        return _read_images(path / f'{names[0]}*.json', numbered, dims, unread), list(unread)
    if not path.is_file():
        raise InputError(f'no predictions {path}: give a npz or json file, or a folder of json files')
    people = _read_npz(path, unread) if path.suffix.lower() == '.npz' else _read_video(path, dims, unread)
    return people, list(unread)


def read_keypoints(folder: Path, sequence: str) -> Frames:
    """2D predictions, perhaps with depths, for a video of an annotation; empty if ``folder`` has no files of it.

    For the video ``S1_Walking_1.54138969`` the files are ``S1_Walking_1.54138969.npz``, ``S1_Walking_1.54138969.json``,
    or ``S1_Walking_1.54138969_<frame number>.json`` in the folder or in one of the video's name.

    Returns:
        For each frame number of the files, (P, K, 3) of u px, v px and score, or (P, K, 4) with the depth before the
        score.

    Raises:
        InputError: a file is damaged or of another format.
    """
    archive = folder / f'{sequence}.npz'
    return _stacked(_read_npz(archive, {})) if archive.is_file() else _stacked(_read_json(folder, sequence, 2), 2)


def read_lifted(folder: Path, sequence: str) -> Frames:
    """3D poses from the json files of MMPose's ``Pose3DInferencer``, its lifting demos, and RTMPose3D's demo.

    Returns:
        For each frame number of the files, (P, K, 4) of their three coordinates and a score.

    Raises:
        InputError: see :func:`read_keypoints`.
    """
    return _stacked(_read_json(folder, sequence, 3), 3)


def _stacked(people: People, dims: int = 2) -> Frames:
    """The joints (P, K, C) of each frame, (0, 0, dims + 1) if it has no person."""
    nobody = np.empty((0, 0, dims + 1))
    return {
        number: np.stack([person.joints for person in persons]) if persons else nobody
        for number, persons in people.items()
    }


def _read_npz(path: Path, unread: dict[str, None]) -> People:
    try:
        found = load_arrays(path)
    except Exception as error:  # zipfile, zlib and numpy raise many kinds on damaged bytes
        raise InputError(f'{path} is not a readable npz file ({error}). Write or copy it again.') from error
    named = {plain_name(name): name for name in found}
    chosen = {key: next((named[name] for name in names if name in named), None) for key, names in _KEYS.items()}
    unread |= dict.fromkeys(name for name in found if name not in chosen.values())
    arrays = {key: found[name] for key, name in chosen.items() if name is not None}
    missing = {'frames', 'keypoints'} - arrays.keys()
    if missing:
        expected = "'frames' and 'keypoints', and if known 'scores' and 'depth'"
        raise InputError(f'{path} lacks {sorted(missing)[0]!r}: expected {expected}')
    shape = np.shape(arrays['keypoints'])[:2]
    expected = dict(frames=shape[:1], keypoints=(*shape, 2), scores=shape, depth=shape, track_id=shape[:1])
    expected['world_landmarks'] = (*shape, 3)
    for key, array in arrays.items():
        kinds, what = ('iu', 'whole numbers') if key in ('frames', 'track_id') else ('fiu', 'numbers')
        if array.shape != expected[key] or len(shape) != 2 or array.dtype.kind not in kinds:
            raise InputError(
                f'{path}: expected {what} of shape {expected[key]} in {key!r}, got {array.dtype} {array.shape}. '
                'keypoints are (frames, joints, 2), and the others fit them.'
            )
    if not shape[0]:
        return {}
    if {'depth', 'world_landmarks'} <= arrays.keys():
        raise InputError(f"{path} has both 'depth' and 'world_landmarks': expected one of them")
    keys = [key for key in ('keypoints', 'depth', 'world_landmarks') if key in arrays]
    coordinates = np.concatenate([np.reshape(arrays[key], (*shape, -1)) for key in keys], axis=-1).astype(float)
    scores = arrays.get('scores', ~np.isnan(coordinates).any(axis=-1))
    columns = np.concatenate([coordinates, scores[..., None]], axis=-1)
    ids = arrays['track_id'].tolist() if 'track_id' in arrays else [-1] * shape[0]
    ids = [None if track_id == -1 else track_id for track_id in ids]
    people: People = {}
    for number, joints, track_id in zip(arrays['frames'].tolist(), columns, ids, strict=True):
        people.setdefault(number, []).append(Person(joints, track_id))
    return _checked(path, people)


def _read_json(folder: Path, sequence: str, dims: int) -> People:
    whole = folder / f'{sequence}.json'
    if whole.is_file():
        return _read_video(whole, dims, {})
    paths = sorted([*folder.glob(f'{sequence}_*.json'), *(folder / sequence).glob(f'{sequence}_*.json')])
    found = [(match, path) for path in paths if (match := _NUMBERED.fullmatch(path.name))]
    images = [(int(match[2]), path) for match, path in found if match[1] == f'{sequence}_']
    return _read_images(folder / f'{sequence}_*.json', images, dims, {})


def _read_video(path: Path, dims: int, unread: dict[str, None]) -> People:
    frames = _frames_of_video(path)
    return _by_number(path, ((number, persons_of(path, found, dims, unread)) for number, found in frames))


def _read_images(name: Path, paths: list[tuple[int, Path]], dims: int, unread: dict[str, None]) -> People:
    return _by_number(name, ((number, persons_of(path, _load(path), dims, unread)) for number, path in paths))


def _by_number(path: Path, frames: Iterable[tuple[int, list[Person]]]) -> People:
    """The people of frames by their numbers; refuses a number that occurs twice."""
    found: People = {}
    for number, persons in frames:
        if number in found:
            raise InputError(f'{path} has frame {number} twice: expected each once. Remove one of them.')
        found[number] = persons
    return _checked(path, found)


def _checked(path: Path, people: People) -> People:
    """The people, after checks of coordinates, and that no person has the same joints twice in the same frame."""
    for number, persons in people.items():
        for joints in (person.joints for person in persons):
            broken = ~np.isfinite(joints[:, :-1]).all(axis=1) & (joints[:, -1] > 0)
            if broken.any():
                joint = int(np.argmax(broken))
                raise InputError(
                    f'{path}: in frame {number} joint {joint}, counted from 0, has the coordinates '
                    f'{joints[joint, :-1].tolist()} and a score above 0. Expected finite coordinates; of a joint that '
                    'was not found the score 0, or NaN in a file without scores.'
                )
        seen = [person.joints.tobytes() for person in persons if (person.joints[:, -1] > 0).any()]
        if len(set(seen)) < len(seen):
            raise InputError(
                f'{path} has the same person in frame {number} twice: expected each once. Remove one of them.'
            )
    return people


def _load(path: Path) -> list:
    """The list in a json file, or in a dict as MMPose's demos and OpenPose write it."""
    try:
        content = json.loads(path.read_text(encoding='utf-8-sig'))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f'{path} is not a readable json file ({error}). Write or copy it again.') from error
    if isinstance(content, dict):
        content = content.get('people', content.get('instance_info'))
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        raise unknown_form(path)
    return content


def _frames_of_video(path: Path) -> Iterator[tuple[int, list]]:
    """Frame numbers and persons of a video's json file."""
    content = _load(path)
    if all(isinstance(item.get('frame_id'), int) and isinstance(item.get('instances'), list) for item in content):
        for item in content:
            yield item['frame_id'], item['instances']
    elif all('image_id' in item and 'keypoints' in item for item in content):
        frames: dict[int, list] = {}
        videos: dict[str, None] = {}
        for person in content:
            if (found := frame_of(person['image_id'])) is None:
                raise InputError(f'{path}: expected a frame number at the end of image_id, got {person["image_id"]!r}')
            videos[found[0]] = None
            frames.setdefault(found[1], []).append(person)
        if len(names := list(videos)) > 1:
            raise InputError(
                f'{path}: expected image_id of one video, got those of {len(names)}: {names[0]}..., {names[1]}...'
            )
        yield from frames.items()
    else:
        raise unknown_form(path)
