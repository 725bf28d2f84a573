"""Decodes the video of one sequence into images."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from depth_refine.utils.atomic import whole_folder
from depth_refine.utils.h36m_names import image_name

from .crops import Crops
from .raw_h36m import SequenceError

MOST_LOST = 49  # frames: 1 s is too much
_JPEG_QUALITY = 92
_ROWS_OFF = 2  # some real videos have 1002 rows where the camera says 1000
_RECORD = '.frames.json'  # in each image folder: how many frames its video had, and what it was made from


class VideoError(SequenceError):
    """A video is missing, damaged or too short."""


class VideoSample(NamedTuple):
    """What the beginning of a video tells of the whole."""

    frames: int  # as many as its header says
    image_bytes: int  # of the first image to be stored
    full_bytes: int  # of the first frame as a full image


def sample_video(path: Path, camera: dict, crops: Crops | None) -> VideoSample:
    """Look at a video's header and its first frame.

    Args:
        path: the mp4 file.
        camera: for the size of its frames.
        crops: of its frames, if crops are wanted.

    Raises:
        VideoError: it cannot be decoded or has frames of another size.
    """
    capture = cv2.VideoCapture(str(path))
    good, frame = capture.read()
    if not good:
        raise VideoError(f'{path} cannot be decoded: download or unpack it again')
    height, width = frame.shape[:2]
    if width != camera['w'] or abs(height - camera['h']) > _ROWS_OFF:
        raise VideoError(f'{path} has frames of {width} x {height} px, expected {camera["w"]} x {camera["h"]}')
    full_bytes = len(_encode(frame))
    image_bytes = full_bytes if crops is None else len(_encode(_crop(frame, crops, 0)))
    return VideoSample(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), image_bytes, full_bytes)


def store_frames(
    path: Path, images: Path, sequence: str, poses: int, numbers: Sequence[int], crops: Crops | None
) -> int:
    """Write frames of a video as JPEG files, unless they are there.

    The folder of the sequence appears when it is complete; one that was made from another video or other poses, or
    lacks some of the frames, is made anew.

    Args:
        path: the mp4 file.
        images: the folder of all images.
        sequence: name of the sequence in image names.
        poses: how many frames have poses.
        numbers: which of them to write, from 1, ascending.
        crops: of the frames with poses; without, full frames are written.

    Returns:
        How many of the frames with poses the video has.

    Raises:
        VideoError: the video lacks 50 frames or more, or cannot be decoded.
    """
    folder = (images / image_name(sequence, 1)).parent
    source = _fingerprint(path, poses, crops)
    stored = _stored_frames(folder, source, numbers)
    if stored is not None:
        return stored
    if folder.exists():
        outdated = folder.rename(folder.with_name(f'.{folder.name}.partial-outdated'))
        shutil.rmtree(outdated)
    with whole_folder(folder) as partial:
        frames = _decode(path, poses, frozenset(numbers), partial, sequence, crops)
        if frames == 0 or poses - frames > MOST_LOST:
            raise VideoError(f'{path} ends after {frames} of {poses} frames: download or unpack it again')
        (partial / _RECORD).write_text(json.dumps(dict(frames=frames, source=source)))
    return frames


def _fingerprint(path: Path, poses: int, crops: Crops | None) -> str:
    """What the images are made from."""
    source = hashlib.sha256(f'{path.stat().st_size} {poses}'.encode())
    if crops is not None:
        source.update(crops.windows.tobytes())
    return source.hexdigest()


def _stored_frames(folder: Path, source: str, numbers: Sequence[int]) -> int | None:
    """How many frames the video had from which the folder was made; nothing if the folder does not do."""
    try:
        record = json.loads((folder / _RECORD).read_text())
        frames, made_from = int(record['frames']), record['source']
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):  # no images, or a damaged record
        return None
    needed = {Path(image_name(folder.name, number)).name for number in numbers if number <= frames}
    return frames if made_from == source and needed <= set(os.listdir(folder)) else None


def _decode(path: Path, poses: int, numbers: frozenset[int], folder: Path, sequence: str, crops: Crops | None) -> int:
    """Decode up to ``poses`` frames, write those wanted; returns how many there were."""
    capture = cv2.VideoCapture(str(path))
    for number in range(1, poses + 1):
        if not capture.grab():
            return number - 1
        if number in numbers:
            good, frame = capture.retrieve()
            if not good:
                return number - 1
            image = frame if crops is None else _crop(frame, crops, number - 1)
            (folder / Path(image_name(sequence, number)).name).write_bytes(_encode(image))
    return poses


def _crop(frame: np.ndarray, crops: Crops, index: int) -> np.ndarray:
    x1, y1, x2, y2 = crops.windows[index].tolist()
    missing = max(y2 - len(frame), 0)
    if missing:
        frame = cv2.copyMakeBorder(frame, 0, missing, 0, 0, cv2.BORDER_REPLICATE)
    return cv2.resize(frame[y1:y2, x1:x2], crops.sizes[index].tolist(), interpolation=cv2.INTER_AREA)


def _encode(image: np.ndarray) -> np.ndarray:
    return cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
