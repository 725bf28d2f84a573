"""Checks of ``cameras.pkl``."""

import numpy as np

from depth_refine.utils.h36m_facts import IMAGE_HEIGHTS, IMAGE_WIDTH

from .findings import Findings

_OFFICIAL_COUNT = 44  # of 11 subjects


def check_cameras(cameras: dict[tuple[str, str], dict], where: str, findings: Findings) -> None:
    """Look at the numbers of every camera.

    Args:
        cameras: from :func:`depth_refine.datasets.load_cameras`.
        where: name of the file.
        findings: gets what there is to say.
    """
    wrong = {}
    other_sizes = []
    for key, camera in cameras.items():
        if reason := _fault(key, camera):
            wrong.setdefault(reason, []).append(key)
        official = IMAGE_WIDTH, IMAGE_HEIGHTS.get(key[1])
        if camera['w'] == IMAGE_WIDTH and (camera['w'], camera['h']) != official:
            other_sizes.append(f'{key}: {camera["w"]} x {camera["h"]}')
    for reason, keys in wrong.items():
        findings.problem(where, f'{len(keys)} of {len(cameras)} cameras, first {keys[0]}: {reason}')
    if other_sizes:
        findings.note(
            where,
            f"image sizes other than Human3.6M's in {len(other_sizes)} of {len(cameras)}, first {other_sizes[0]}",
        )
    if len(cameras) > _OFFICIAL_COUNT:
        findings.note(where, f'{len(cameras)} cameras; Human3.6M has {_OFFICIAL_COUNT}')
    if not wrong:
        findings.ok(where, f'{len(cameras)} cameras of {len({subject for subject, _ in cameras})} subjects')


def _fault(key: tuple[str, str], camera: dict) -> str | None:
    """What is wrong with a camera."""
    rotation = np.asarray(camera['R'], float)
    centre, size = np.reshape(camera['c'], 2).astype(float), np.array([camera['w'], camera['h']], float)
    numbers = [np.ravel(camera[name]).astype(float) for name in ('R', 'T', 'f', 'c', 'k', 'p', 'w', 'h')]
    if not np.isfinite(np.concatenate(numbers)).all():
        return 'a number is not finite. Write the file again.'
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4) or np.linalg.det(rotation) < 0:
        return 'R is not a rotation (orthonormal, determinant +1). Write the file again.'
    if (size < 1).any():
        return f'the image size is {camera["w"]} x {camera["h"]}. Give w and h in px.'
    if not ((centre > 0) & (centre < size)).all():
        return f'the principal point {centre.round(3)} lies outside the image. Give c in px.'
    if str(camera.get('id', key[1])) != key[1]:
        return f'its id is {camera["id"]}: cameras are swapped. Write the file again.'
    return None
