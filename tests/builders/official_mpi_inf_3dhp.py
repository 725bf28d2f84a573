"""Writes mock recordings in the formats in which MPI-INF-3DHP's owners distribute theirs.

Images are small in the training set, and there are few frames; test sets have the sizes of the owners'.
"""

from pathlib import Path

import cv2
import h5py
import numpy as np
from scipy.io import savemat

NUM_CAMERAS, SIZE = 14, (96, 80)  # px
VIDEOS = (0, 1, 2, 4, 5, 6, 7, 8)
SCALE = 0.9  # of the universal body
TO_17 = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]
PELVIS = 4


def make_motion(frames: int, seed: int) -> np.ndarray:
    """(frames, 28, 3) world mm, y up: joints of one body that sway, left and right well apart."""
    rng = np.random.default_rng(seed)
    body = rng.uniform([-150, 200, -150], [150, 1700, 150], (28, 3))
    body[8:13] += [300, 0, 0]
    body[13:18] -= [300, 0, 0]
    body[18:23] += [300, 0, 0]
    body[23:] -= [300, 0, 0]
    return body + 40 * np.sin(0.2 * np.arange(frames)[:, None, None] + rng.uniform(0, 6, (28, 3)))


def make_camera(index: int, size: tuple[int, int] = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Intrinsic and extrinsic matrix (4, 4), mm: on a circle around the room, looking at a body's middle."""
    angle = 2 * np.pi * index / NUM_CAMERAS
    centre, target = np.array([3800 * np.sin(angle), 1100 + 20 * index, 3800 * np.cos(angle)]), np.array([0, 950, 0])
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0, 1, 0]) / np.linalg.norm(np.cross(forward, [0, 1, 0]))
    extrinsic, intrinsic = np.eye(4), np.eye(4)
    extrinsic[:3, :3] = [right, np.cross(forward, right), forward]
    extrinsic[:3, 3] = -extrinsic[:3, :3] @ centre
    intrinsic[:2, :3] = [[0.73 * size[0] + index, 0, size[0] / 2 + 1], [0, 0.73 * size[0] + 2, size[1] / 2 - 2]]
    return intrinsic, extrinsic


CAMERAS = [make_camera(index) for index in range(NUM_CAMERAS)]


def see(world: np.ndarray, camera: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``annot2`` (T, J, 2), ``annot3`` and ``univ_annot3`` (T, J, 3) of world positions."""
    intrinsic, extrinsic = camera
    joints = world @ extrinsic[:3, :3].T + extrinsic[:3, 3]
    homogeneous = joints @ intrinsic[:3, :3].T
    pelvis = joints[:, [PELVIS if joints.shape[1] == 28 else 14]]
    return homogeneous[..., :2] / homogeneous[..., 2:], joints, SCALE * (joints - pelvis) + pelvis


def write_calibration(path: Path, cameras: list[tuple[np.ndarray, np.ndarray]], radial: float = 0) -> None:
    """Write ``camera.calibration``."""
    lines = ['Skeletool Camera Calibration File V1.0']
    for number, (intrinsic, extrinsic) in enumerate(cameras):
        lines += [
            f'name          {number}',
            '  sensor      10 10',
            f'  size        {SIZE[0]} {SIZE[1]}',
            '  animated    0',
        ]
        for name, matrix in ('intrinsic', intrinsic), ('extrinsic', extrinsic):
            lines.append(f'  {name}   {" ".join(map(repr, matrix.ravel().tolist()))} ')
        lines.append(f'  radial      {radial}')
    path.write_text('\n'.join(lines) + '\n')


def write_annot(path: Path, world: np.ndarray, seen_by: list[tuple[np.ndarray, np.ndarray]], **changes) -> None:
    """Write ``annot.mat``; ``changes`` replace variables (None removes one) or, as functions, change their cells."""
    frames = len(world)
    cells = {name: np.empty((len(seen_by), 1), object) for name in ('annot2', 'annot3', 'univ_annot3')}
    for number, camera in enumerate(seen_by):
        for name, values in zip(cells, see(world, camera), strict=True):
            cells[name][number, 0] = values.reshape(frames, -1)
    mat = dict(cells, cameras=np.arange(len(seen_by), dtype=np.uint8)[None], frames=np.arange(frames)[:, None])
    for name, change in changes.items():
        if callable(change):
            for number in range(len(seen_by)):
                mat[name][number, 0] = change(number, mat[name][number, 0])
        else:
            mat[name] = change
    savemat(path, {name: values for name, values in mat.items() if values is not None}, do_compression=True)


def write_video(path: Path, frames: int) -> None:
    """Write a video whose frames have a different grey each."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 25, SIZE)
    for index in range(frames):
        writer.write(np.full((*SIZE[::-1], 3), 40 + 20 * index % 200, np.uint8))
    writer.release()


def write_recording(raw: Path, name: str, frames: int, seed: int, videos: bool = True, **changes) -> Path:
    """Write a sequence of the training set, ``'S1/Seq1'``; returns its folder."""
    folder = raw / name
    (folder / 'imageSequence').mkdir(parents=True)
    write_calibration(folder / 'camera.calibration', CAMERAS)
    write_annot(folder / 'annot.mat', make_motion(frames, seed), CAMERAS, **changes)
    for number in VIDEOS if videos else ():
        write_video(folder / 'imageSequence' / f'video_{number}.avi', frames)
    return folder


def write_test_set(
    raw: Path, name: str, size: tuple[int, int], valid: list[bool], seed: int, images: int | None = None, **changes
) -> Path:
    """Write a test set, ``'TS1'``, with as many frames as ``valid`` has; returns its folder.

    ``changes`` replace variables, in the file's order of axes; None removes one.
    """
    folder = raw / name
    (folder / 'imageSequence').mkdir(parents=True)
    frames = len(valid)
    poses = see(make_motion(frames, seed)[:, TO_17], make_camera(seed, size))
    mat = {key: values[:, None] for key, values in zip(('annot2', 'annot3', 'univ_annot3'), poses, strict=True)}
    mat |= dict(valid_frame=np.array(valid, float)[:, None], activity_annotation=1 + np.arange(frames)[:, None] % 7.0)
    with h5py.File(folder / 'annot_data.mat', 'w', userblock_size=512) as file:
        cell = file.create_dataset('#refs#/a', data=np.ones((3, 1)))
        file['bb_crop'] = np.array([[cell.ref]], h5py.ref_dtype)  # a cell array, which is never read
        for key, values in (mat | changes).items():
            if values is not None:
                file[key] = values
    with (folder / 'annot_data.mat').open('r+b') as file:
        file.write(b'MATLAB 7.3 MAT-file, Platform: GLNXA64'.ljust(124) + b'\0\2IM')
    for number in range(1, (frames if images is None else images) + 1):
        image = np.full((*size[::-1], 3), 30 * number % 250, np.uint8)
        cv2.imwrite(str(folder / 'imageSequence' / f'img_{number:06d}.jpg'), image)
    return folder
