"""Stores the frames of a video or of a folder of images as images, whole or cropped around the person.

A crop's window is x1 y1 x2 y2 in whole pixels of the full frame. It covers the columns x1 to x2 - 1 and the rows y1 to
y2 - 1. Pixel centres are whole numbers, so that the outer edges of the stored image are at x1 - 0.5 and x2 - 0.5
whatever its size: column u of w stored ones is at ``x1 - 0.5 + (u + 0.5) * (x2 - x1) / w``, as in ``cv2.resize``.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from depth_refine.structures.skeleton import H36M
from depth_refine.utils.atomic import whole_folder
from depth_refine.utils.h36m_names import image_name

from .frame_sources import open_frames
from .raw_files import SequenceError

MOST_LOST = 49  # frames, less than 1 s
_BOX_MARGIN = 1.2  # of the annotation's box
_PELVIS_SQUARE = 2.0  # metres
_LARGEST_SCALE, _SMALLEST_SCALE, _ROTATION = 1.25, 0.75, np.radians(30)  # of the training's augmentation
_REACH = _LARGEST_SCALE * (np.cos(_ROTATION) + np.sin(_ROTATION))  # side of the square around an augmented box
_NETWORK_INPUT = 256  # px
_JPEG_QUALITY = 92
_ROWS_OFF = 2  # some real videos have 1002 rows where the camera says 1000
_RECORD = '.frames.json'  # in each image folder: the number of frames of its video, and a hash of its source


class VideoError(SequenceError):
    """A video is missing, damaged or too short."""


class Crops(NamedTuple):
    """The crops of T frames."""

    windows: np.ndarray  # (T, 4) int32 x1 y1 x2 y2, see the module's docstring
    sizes: np.ndarray  # (T, 2) int32 width and height of the stored image, px


class VideoSample(NamedTuple):
    """Facts on a video from its header and first frame."""

    frames: int  # number of frames, as stated by the header
    image_bytes: int  # size of the first image to be stored
    full_bytes: int  # size of the first frame as a full image


def make_crops(poses_2d: np.ndarray, poses_3d: np.ndarray, camera: dict, root: int = H36M.root) -> Crops:
    """Crops that contain all pixels that training reads, for either kind of box.

    A window contains both boxes of :class:`depth_refine.datasets.H36MImageDataset`, each scaled by 1.25 and rotated by
    30 degrees, as far as they lie in the frame. The stored image is as small as possible: the smallest box of the
    training, scaled by 0.75, still has the network's 256 px. It is never larger than its window.

    Args:
        poses_2d: (T, K, 2) px.
        poses_3d: (T, K, 3) camera-frame metres.
        camera: of the video.
        root: joint at the centre of the boxes of 2 m.

    Raises:
        SequenceError: the person is outside the frame.
    """
    low, high = poses_2d.min(axis=1).astype(np.float64), poses_2d.max(axis=1).astype(np.float64)
    sides = np.stack(
        [_BOX_MARGIN * (high - low).max(axis=-1), _PELVIS_SQUARE * camera['f'].max() / poses_3d[:, root, 2]]
    )
    centers = np.stack([(low + high) / 2, poses_2d[:, root]])
    reach = _REACH / 2 * sides[..., None]
    frame = np.array([camera['w'], camera['h']])
    starts = np.clip(np.floor((centers - reach).min(axis=0)), 0, frame)
    ends = np.clip(np.ceil((centers + reach).max(axis=0)) + 1, 0, frame)
    outside = (ends <= starts).any(axis=-1)
    if outside.any():
        raise SequenceError(f'in {outside.sum()} frames, first in frame {outside.argmax() + 1}, nobody is in the image')
    shrink = np.minimum(1, _NETWORK_INPUT / _SMALLEST_SCALE / sides.min(axis=0))
    sizes = np.ceil((ends - starts) * shrink[:, None])
    return Crops(np.concatenate([starts, ends], axis=-1).astype(np.int32), sizes.astype(np.int32))


def sample_video(path: Path, camera: dict, crops: Crops | None) -> VideoSample:
    """Facts on a video or a folder of images, after a check that frames have the camera's size.

    Raises:
        VideoError: it cannot be decoded, or has frames of another size.
    """
    frames = open_frames(path)
    frame = frames.read()
    if frame is None:
        raise VideoError(f'{path} cannot be decoded: download or unpack it again')
    height, width = frame.shape[:2]
    if width != camera['w'] or abs(height - camera['h']) > _ROWS_OFF:
        raise VideoError(f'{path} has frames of {width} x {height} px, expected {camera["w"]} x {camera["h"]}')
    full = frames.original or _encode(frame, None, 0)
    return VideoSample(frames.count, len(full if crops is None else _encode(frame, crops, 0)), len(full))


def store_frames(
    path: Path, images: Path, sequence: str, poses: int, numbers: Sequence[int], crops: Crops | None
) -> int:
    """Write frames of a video or folder as JPEG files, whole or cropped.

    The folder of the sequence appears when it is complete. One that was made from another video or other poses, or that
    has not all frames, is written again. Whole images of a folder are copied unchanged.

    Args:
        path: the video or folder of images.
        images: parent of the sequence's folder.
        sequence: its name.
        poses: number of frames with poses, the first ones of the video.
        numbers: of the frames to write, from 1.
        crops: windows and sizes; None for whole images.

    Returns:
        How many of the frames with poses the video has.

    Raises:
        VideoError: 50 frames or more are missing in the video.
        SequenceError: one of its frames cannot be decoded.
    """
    folder = (images / image_name(sequence, 1)).parent
    made_of = f'{open_frames(path).size} {poses}'.encode() + (b'' if crops is None else crops.windows.tobytes())
    source = hashlib.sha256(made_of).hexdigest()
    if (stored := _stored_frames(folder, source, numbers)) is not None:
        return stored
    if folder.exists():
        shutil.rmtree(folder.rename(folder.with_name(f'.{folder.name}.partial-outdated')))
    with whole_folder(folder) as partial:
        frames = _decode(path, poses, frozenset(numbers), partial, sequence, crops)
        if frames == 0 or poses - frames > MOST_LOST:
            raise VideoError(f'{path} ends after {frames} of {poses} frames: download or unpack it again')
        (partial / _RECORD).write_text(json.dumps(dict(frames=frames, source=source)), encoding='utf-8')
    return frames


def _stored_frames(folder: Path, source: str, numbers: Sequence[int]) -> int | None:
    """The number of frames of the video that the folder was made from; None if it must be written again."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding='utf-8'))
        frames, made_from = int(record['frames']), record['source']
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):  # no images, or a damaged record
        return None
    needed = {Path(image_name(folder.name, number)).name for number in numbers if number <= frames}
    return frames if made_from == source and needed <= set(os.listdir(folder)) else None


def _decode(path: Path, poses: int, numbers: frozenset[int], folder: Path, sequence: str, crops: Crops | None) -> int:
    """Decode up to ``poses`` frames and write those of ``numbers``; returns how many there were."""
    frames = open_frames(path)
    for index in range(poses):
        if index + 1 not in numbers:
            if not frames.skip():
                return index
            continue
        frame = frames.read()
        if frame is None:
            return index
        file = frames.original if crops is None and frames.original else _encode(frame, crops, index)
        (folder / Path(image_name(sequence, index + 1)).name).write_bytes(file)
    return poses


def _encode(frame: np.ndarray, crops: Crops | None, index: int) -> np.ndarray:
    """The JPEG file of the ``index``-th frame (h, w, 3), or of its crop."""
    if crops is not None:
        x1, y1, x2, y2 = crops.windows[index].tolist()
        if y2 > len(frame):
            frame = cv2.copyMakeBorder(frame, 0, y2 - len(frame), 0, 0, cv2.BORDER_REPLICATE)
        frame = cv2.resize(frame[y1:y2, x1:x2], crops.sizes[index].tolist(), interpolation=cv2.INTER_AREA)
    return cv2.imencode('.jpg', frame, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
