"""Checks of ``cameras.pkl``: principal points, ids, and whether all cameras see one person at one place."""

from collections.abc import Iterator

import numpy as np

from depth_refine.datasets import PoseAnnotation
from depth_refine.functional.camera import camera_to_world
from depth_refine.structures.intrinsics import OFF_CENTRE, off_centre

_VIEWS_AGREE = 0.01  # metres between one joint seen by two cameras


def check_cameras(cameras: dict[tuple[str, str] | str, dict]) -> Iterator[tuple[str, str]]:
    """Check every camera for what :func:`depth_refine.datasets.load_cameras` accepts: principal points and ids."""
    faults: dict[str, list] = {}
    projecting = {key: camera for key, camera in cameras.items() if 'c' in camera}
    for key, camera in projecting.items():
        name = key[1] if isinstance(key, tuple) else key
        centre = np.ravel(camera['c'])
        if not ((centre > 0) & (centre < (camera['w'], camera['h']))).all():
            fault = f'the principal point {centre.round(3)} lies outside the image. Give c in px.'
            faults.setdefault(fault, []).append(key)
        elif str(camera.get('id', name)) != str(name):
            faults.setdefault(f'its id is {camera["id"]}: cameras are swapped. Write the file again.', []).append(key)
    for fault, keys in faults.items():
        yield 'problem', f'{len(keys)} of {len(cameras)} cameras, first {keys[0]}: {fault}'
    if not faults:
        subjects = {key[0] for key in cameras if isinstance(key, tuple)}
        yield 'ok', f'{len(cameras)} cameras' + (f' of {len(subjects)} subjects' if subjects else '')
    off = {key: off_centre(camera['c'], (camera['w'], camera['h'])) for key, camera in projecting.items()}
    if far := [key for key in off if OFF_CENTRE < off[key] < 0.5]:
        yield (
            'note',
            f'{len(far)} of {len(cameras)} cameras, first {far[0]}: the principal point is far from the middle of the '
            "frame. Are 'f' and 'c' of frames of that size?",
        )


def check_views(annotation: PoseAnnotation) -> Iterator[tuple[str, str]]:
    """Check R and T: all cameras that have them must see the first pose of a take at the same place in the room."""
    first, apart, disagreeing = {}, 0.0, []
    for sequence, camera in zip(annotation.sequences, annotation.cameras, strict=True):
        if not {'R', 'T'} <= camera.keys():
            continue
        row = sequence.rows[0]
        take = sequence.subject, sequence.name.removesuffix(f'.{sequence.camera}'), int(annotation.frames[row])
        pose = camera_to_world(annotation.keypoints_3d[row].astype(np.float64), camera)
        pose[~annotation.keypoints_3d_visible[row]] = np.nan
        distance = np.nan_to_num(np.linalg.norm(pose - first.setdefault(take, pose), axis=-1)).max()
        if distance > _VIEWS_AGREE:
            disagreeing.append(sequence.name)
            apart = max(apart, distance)
    if disagreeing:
        yield (
            'problem',
            f'the cameras of one moment see the person up to {1000 * apart:.0f} mm apart in the room, in '
            f'{len(disagreeing)} of {len(annotation.sequences)} videos, first {disagreeing[0]}: R and T of cameras.pkl '
            'are swapped between cameras or inverted (R is camera-to-world, T the camera centre), or S is wrong, or '
            'frames of one number are not of one moment.',
        )
