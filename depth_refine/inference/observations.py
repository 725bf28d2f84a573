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
    find = PersonFinder(person_boxes)
    times, frames, ids, bboxes = [], [], [], []
    size = None
    with tqdm(total=video.frame_count, desc=video.name, unit='frame') as progress:

        def people() -> Iterator[tuple[np.ndarray, np.ndarray]]:
            nonlocal size
            for frame in video:
                times.append(frame.time)
                if frame.image is not None:
                    size = frame.image.shape[1::-1]
                for person in find(frame):
                    frames.append(frame.index)
                    ids.append(person.track_id)
                    bboxes.append(person.bbox)
                    yield frame.image, person.crop
                progress.update()

        measurements = list(first_stage(people()))
    if size is None:
        raise InputError(f'{video.name}: not one frame can be read')
    return Observations(
        size=size,
        times=np.array(times),
        frames=np.array(frames, int),
        ids=np.array(ids, int),
        bboxes=np.array(bboxes, np.float32).reshape(-1, 4),
        measurements=np.array(measurements, np.float32).reshape(-1, first_stage.num_joints, 5),
        notes=find.notes(),
    )
