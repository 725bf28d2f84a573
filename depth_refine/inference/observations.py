"""One pass over a video: who is where in every frame, and what the first stage measures."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from depth_refine.utils.errors import InputError

from .person_boxes import PersonBoxes
from .stages import FirstStage
from .tracking import PersonFinder
from .video_source import VideoSource


@dataclass
class Observations:
    """What the first stage saw: N frames, D people in all of them together.

    Attributes:
        size: width and height of the frames, px.
        times: (N,) seconds.
        frames: (D,) frame number, ascending.
        ids: (D,) number of the person.
        bboxes: (D, 4) px.
        measurements: (D, 17, 5), see :mod:`stages`.
        notes: sentences on boxes that were cut or dropped.
    """

    size: tuple[int, int]
    times: np.ndarray
    frames: np.ndarray
    ids: np.ndarray
    bboxes: np.ndarray
    measurements: np.ndarray
    notes: list[str]


def observe(video: VideoSource, person_boxes: PersonBoxes, first_stage: FirstStage) -> Observations:
    """Read a video once, frame by frame, through boxes, tracker and first stage; only numbers are kept.

    Raises:
        InputError: no frame can be read; see also :class:`VideoSource`.
    """
    find, times, found, size = PersonFinder(person_boxes), [], [], None

    def people() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        nonlocal size
        for frame in tqdm(video, total=video.frame_count, desc=video.name, unit='frame'):
            times.append(frame.time)
            if frame.image is not None:
                size = frame.image.shape[1::-1]
            for person, bbox, crop in find(frame):
                found.append((frame.index, person, *bbox))
                yield frame.image, crop

    measurements = np.reshape(list(first_stage(people())), (-1, first_stage.num_joints, 5)).astype(np.float32)
    if size is None:
        raise InputError(f'{video.name}: not one frame can be read')
    frames, ids, *bboxes = np.reshape(found, (-1, 6)).T
    bboxes = np.stack(bboxes, axis=1).astype(np.float32)
    return Observations(size, np.array(times), frames.astype(int), ids.astype(int), bboxes, measurements, find.notes())
