"""Writes mock recordings in the formats in which Human3.6M's owners distribute theirs.

The files are those that :mod:`depth_refine.data_tools.preparation` reads: ``metadata.xml``, CDF files of 32 joints in
px and mm, mp4 videos. Cameras have Human3.6M's image sizes; as there, a camera's lens is the same for all subjects.
"""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from cdflib.cdfwrite import CDF
from scipy.spatial.transform import Rotation

from depth_refine.functional.camera import project, world_to_camera
from depth_refine.synthetic.cameras import make_cameras
from depth_refine.utils.h36m_facts import CAMERA_IDS, IMAGE_HEIGHTS, IMAGE_WIDTH, JOINTS_OF_32
from depth_refine.utils.h36m_names import action_of

ALL_SUBJECTS = tuple(f'S{number}' for number in range(1, 12))
ACTIONS = (
    'Directions', 'Discussion', 'Eating', 'Greeting', 'Phoning', 'Posing', 'Purchases', 'Sitting', 'SittingDown',
    'Smoking', 'TakingPhoto', 'Waiting', 'Walking', 'WalkingDog', 'WalkTogether',
)  # fmt: skip


class OfficialTake(NamedTuple):
    """One take of one subject, filmed by four cameras."""

    subject: str  # S1
    name: str  # as in file names: 'Directions 1'
    joints: np.ndarray  # (T, 17, 3) world metres
    video_frames: int | None = None  # default: T


def takes_of(subject: str) -> list[str]:
    """The names of a subject's 30 takes: two of each action, the second without a number; S1 has the longer names."""
    names = ACTIONS if subject == 'S1' else [action_of(f'_{action}.') for action in ACTIONS]
    return [f'{name}{take}' for name in names for take in (' 1', '')]


def make_official_cameras(seed: int = 0) -> dict[tuple[str, str], dict]:
    """The 44 cameras of 11 subjects, by subject and camera id; all see the 2 m around the room's centre."""
    corners = np.array(list(itertools.product((-1, 1), (-1, 1), (0, 1.9))))
    cameras: dict = {}
    for index, subject in enumerate(ALL_SUBJECTS):
        cameras |= make_cameras(subject, index, seed, IMAGE_WIDTH, corners)
    for subject, camera_id in cameras:
        lens = {key: cameras['S1', camera_id][key] for key in 'fckp'}
        cameras[subject, camera_id] |= lens | {'h': IMAGE_HEIGHTS[camera_id]}
    return cameras


def write_metadata(path: str | Path, cameras: dict[tuple[str, str], dict]) -> None:
    """Write ``metadata.xml`` of all 44 cameras, with the parts that the preparation reads."""
    takes = list(zip(*map(takes_of, ALL_SUBJECTS), strict=True))
    rows = [('', '', *ALL_SUBJECTS)]
    rows += [('1', take, *('_ALL' + suffix for _ in ALL_SUBJECTS)) for take, suffix in (('1', ' 1'), ('2', ''))]
    rows += [(str(2 + index // 2), str(1 + index % 2), *names) for index, names in enumerate(takes)]
    numbers: list[float] = []
    for camera in (cameras[subject, camera_id] for camera_id in CAMERA_IDS for subject in ALL_SUBJECTS):
        numbers += [*Rotation.from_matrix(camera['R'].T).as_euler('XYZ'), *1000 * camera['T'][:, 0]]
    for camera_id in CAMERA_IDS:
        numbers += np.concatenate([cameras['S1', camera_id][key][:, 0] for key in 'fckp']).tolist()
    text = [
        '<metadata>',
        '<mapping>',
        *('<tr>' + ''.join(f'<td>{cell}</td>' for cell in row) + '</tr>' for row in rows),
        '</mapping>',
        '<actionnames>' + ''.join(f'<td>{name}</td>' for name in ('_ALL', *ACTIONS)) + '</actionnames>',
        '<dbcameras><index2id>' + ''.join(f'<td>{name}</td>' for name in CAMERA_IDS) + '</index2id></dbcameras>',
        f'<w0>[{" ".join(map(repr, map(float, numbers)))}]</w0>',
        '</metadata>',
    ]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text('\n'.join(text))


def write_cdf(path: str | Path, poses: np.ndarray) -> None:
    """Write poses (T, channels) to a CDF file, replaced if there: one float32 record of one variable, ``Pose``."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    specification = {
        'Variable': 'Pose', 'Data_Type': CDF.CDF_FLOAT, 'Num_Elements': 1, 'Rec_Vary': True,
        'Dim_Sizes': list(poses.shape), 'Compress': 0,
    }  # fmt: skip
    file = CDF(str(path), cdf_spec={'Majority': 'row_major', 'rDim_sizes': []})
    file.write_var(specification, var_data=np.asarray(poses, np.float32)[None])
    file.close()


def write_video(path: str | Path, frames: Iterable[np.ndarray]) -> None:
    """Write frames, at least one, (h, w, 3) uint8, BGR, to an mp4 of 50 frames a second."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    frames = iter(frames)
    first = next(frames)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 50, first.shape[1::-1])
    for frame in itertools.chain([first], frames):
        writer.write(frame)
    writer.release()


def write_official_h36m(
    raw: str | Path, takes: Iterable[OfficialTake], cameras: dict[tuple[str, str], dict], videos: bool = True
) -> None:
    """Write ``metadata.xml`` and the files of some takes, extracted: ``S1/MyPoseFeatures/...``, ``S1/Videos/...``.

    ``cameras`` are all 44; a video shows a white disc for each joint.
    """
    raw = Path(raw)
    write_metadata(raw / 'metadata.xml', cameras)
    for take in takes:
        features = raw / take.subject / 'MyPoseFeatures'
        for camera_id in CAMERA_IDS:
            camera = cameras[take.subject, camera_id]
            file_name = f'{take.name}.{camera_id}'
            joints = world_to_camera(_thirty_two(take.joints), camera)
            pixels = project(joints, camera)
            write_cdf(features / 'D2_Positions' / f'{file_name}.cdf', pixels.reshape(len(pixels), -1))
            write_cdf(features / 'D3_Positions_mono' / f'{file_name}.cdf', 1000 * joints.reshape(len(joints), -1))
            if videos:
                count = len(pixels) if take.video_frames is None else take.video_frames
                write_video(raw / take.subject / 'Videos' / f'{file_name}.mp4', _draw(pixels, count, camera))


def _thirty_two(joints: np.ndarray) -> np.ndarray:
    """Human3.6M's 32 joints from 17; the others, copies of these in the real files, are all 0.1 m off."""
    all_joints = np.repeat(joints[:, :1], 32, axis=1) + 0.1
    all_joints[:, JOINTS_OF_32] = joints
    return all_joints


def _draw(pixels: np.ndarray, count: int, camera: dict) -> Iterator[np.ndarray]:
    for frame in range(count):
        image = np.full((camera['h'], camera['w'], 3), 60, np.uint8)
        for x, y in np.rint(pixels[min(frame, len(pixels) - 1), JOINTS_OF_32]).astype(int).tolist():
            cv2.circle(image, (x, y), 6, (255, 255, 255), -1)
        yield image
