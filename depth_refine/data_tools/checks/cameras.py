"""Checks of ``cameras.pkl``: do an annotation's 2D joints lie where its cameras see the 3D joints? If not, why?"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from depth_refine.datasets import H36MAnnotation
from depth_refine.functional.camera import camera_to_world, project, world_to_camera
from depth_refine.utils.h36m_facts import IMAGE_HEIGHTS, IMAGE_WIDTH

_OFFICIAL_COUNT = 44  # of 11 subjects
_EXACT = 0.02  # px; rounding to float32 moves joints by 2e-4
_WRONG = 1.0  # px
_VIDEOS_TO_EXPLAIN, _FRAMES_TO_EXPLAIN = 10, 50
_VIEWS_AGREE = 0.01  # metres between one joint seen by two cameras
_NO_LENS = dict(k=np.zeros((3, 1)), p=np.zeros((2, 1)))


def check_cameras(cameras: dict[tuple[str, str], dict]) -> Iterator[tuple[str, str]]:
    """Look at what :func:`depth_refine.datasets.load_cameras` does not refuse of every camera."""
    wrong: dict[str, list] = {}
    other_sizes = []
    for key, camera in cameras.items():
        if reason := _fault(key, camera):
            wrong.setdefault(reason, []).append(key)
        if camera['w'] == IMAGE_WIDTH and camera['h'] != IMAGE_HEIGHTS.get(key[1]):
            other_sizes.append(f'{key}: {camera["w"]} x {camera["h"]}')
    for reason, keys in wrong.items():
        yield 'problem', f'{len(keys)} of {len(cameras)} cameras, first {keys[0]}: {reason}'
    if other_sizes:
        count = f'{len(other_sizes)} of {len(cameras)}'
        yield 'note', f"image sizes other than Human3.6M's in {count}, first {other_sizes[0]}"
    if len(cameras) > _OFFICIAL_COUNT:
        yield 'note', f'{len(cameras)} cameras; Human3.6M has {_OFFICIAL_COUNT}'
    if not wrong:
        yield 'ok', f'{len(cameras)} cameras of {len({subject for subject, _ in cameras})} subjects'


def _fault(key: tuple[str, str], camera: dict) -> str | None:
    """What is wrong with a camera."""
    rotation, centre, size = np.asarray(camera['R'], float), np.ravel(camera['c']), (camera['w'], camera['h'])
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4):
        return 'R is not a rotation (orthonormal). Write the file again.'
    if not ((centre > 0) & (centre < size)).all():
        return f'the principal point {centre.round(3)} lies outside the image. Give c in px.'
    if str(camera.get('id', key[1])) != key[1]:
        return f'its id is {camera["id"]}: cameras are swapped. Write the file again.'
    return None


def reprojection(points: np.ndarray, camera: dict) -> np.ndarray:
    """Project camera-frame metres (..., 3) to px (..., 2), NaN for joints that do not lie in front of the camera."""
    behind = points[..., 2:] <= 0
    return np.where(behind, np.nan, project(np.where(behind, 1.0, points), camera))


class _Errors(NamedTuple):
    """Distances of the visible 2D joints of a video to their projection, px."""

    index: int  # of the video
    largest: float
    wrong: int  # joints more than 1 px off
    count: int


def check_projection(annotation: H36MAnnotation) -> Iterator[tuple[str, str]]:
    """Compare visible joints of ``part`` with the projection of ``S``."""
    errors = [_errors(annotation, index) for index in range(len(annotation.sequences))]
    worst = max(errors, key=lambda e: e.largest)
    if worst.largest <= _EXACT:
        bound = 10.0 ** np.ceil(np.log10(max(worst.largest, 1e-4)))  # the next of 0.0001, 0.001 ...: easy to read
        yield 'ok', f'2D joints lie within {bound:g} px of the projected 3D joints'
        return
    share = sum(e.wrong for e in errors) / sum(e.count for e in errors)
    affected = [e.index for e in errors if e.largest > _EXACT]
    tried = affected[:: -(-len(affected) // _VIDEOS_TO_EXPLAIN)]
    reasons = ' '.join(dict.fromkeys(_explain(annotation, index) for index in tried))
    most = 'or these lie behind the camera' if worst.largest == np.inf else f'by up to {worst.largest:.3g} px'
    message = (
        f'2D joints differ from the projected 3D joints {most} in {len(affected)} of {len(errors)} videos, '
        f'more than {_WRONG:g} px at {share:.1%} of the joints; the worst video is '
        f'{annotation.sequences[worst.index].name}. {reasons}'
    )
    yield ('problem' if worst.largest > _WRONG else 'note'), message


def _errors(annotation: H36MAnnotation, index: int) -> _Errors:
    rows = annotation.sequences[index].rows
    projected = reprojection(annotation.keypoints_3d[rows], annotation.cameras[index])
    distances = np.linalg.norm(projected - annotation.keypoints[rows], axis=-1)
    distances = np.nan_to_num(distances[annotation.keypoints_visible[rows]], nan=np.inf)
    return _Errors(index, float(np.max(distances, initial=0.0)), int(np.sum(distances > _WRONG)), distances.size)


def _explain(annotation: H36MAnnotation, index: int) -> str:
    """Try the known mistakes on a video; one that makes the difference vanish is the reason."""
    sequence, camera = annotation.sequences[index], annotation.cameras[index]
    rows = sequence.rows[:: max(1, len(sequence.rows) // _FRAMES_TO_EXPLAIN)]
    points, visible = annotation.keypoints_3d[rows].astype(np.float64), annotation.keypoints_visible[rows]
    attempts = {  # each the place of the joints in the image, px, if it were so
        'S is in world coordinates: write it in camera coordinates.': lambda: reprojection(
            world_to_camera(points, camera), camera
        ),
        'S is in millimetres of the world: write it in camera-frame metres.': lambda: reprojection(
            world_to_camera(points / 1000, camera), camera
        ),
        'The lens distortion is missing in part: project with it.': lambda: reprojection(
            points, dict(camera, **_NO_LENS)
        ),
        "part was made with OpenCV's formula for the lens, Human3.6M's counts the tangential term once.": lambda: (
            _project_by_opencv(points, camera)
        ),
    }
    for other, other_camera in zip(annotation.sequences, annotation.cameras, strict=True):
        if other.subject == sequence.subject and other.camera != sequence.camera:
            reason = (
                f'The numbers are those of camera {other.camera}: cameras are swapped in cameras.pkl or in imgname.'
            )
            attempts[reason] = lambda camera=other_camera: reprojection(points, camera)
    for reason, attempt in attempts.items():
        distances = np.linalg.norm(attempt() - annotation.keypoints[rows], axis=-1)[visible]
        if distances.size and np.max(distances) <= _EXACT:  # NaN is not
            return reason
    return 'No known mistake explains it: look at the picture, and at the source of part, S and cameras.pkl.'


def _project_by_opencv(points: np.ndarray, camera: dict) -> np.ndarray:
    (fx, fy), (cx, cy) = np.reshape(camera['f'], 2), np.reshape(camera['c'], 2)
    (k1, k2, k3), (p1, p2) = np.reshape(camera['k'], 3), np.reshape(camera['p'], 2)
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    still = np.zeros(3)
    pixels, _ = cv2.projectPoints(points.reshape(-1, 3), still, still, matrix, np.array([k1, k2, p1, p2, k3], float))
    return pixels.reshape(*points.shape[:-1], 2)


def check_views(annotation: H36MAnnotation) -> Iterator[tuple[str, str]]:
    """All cameras must see the first pose of a performance at one place in the room: R and T are right."""
    first, apart, disagreeing = {}, 0.0, []
    for sequence, camera in zip(annotation.sequences, annotation.cameras, strict=True):
        row = sequence.rows[0]
        performance = sequence.name.rsplit('.', 1)[0], int(annotation.frames[row])
        pose = camera_to_world(annotation.keypoints_3d[row].astype(np.float64), camera)
        distance = np.linalg.norm(pose - first.setdefault(performance, pose), axis=-1).max()
        if distance > _VIEWS_AGREE:
            disagreeing.append(sequence.name)
            apart = max(apart, distance)
    if disagreeing:
        yield (
            'problem',
            f'the cameras of one moment see the person up to {1000 * apart:.0f} mm apart in the room, in '
            f'{len(disagreeing)} of {len(annotation.sequences)} videos, first {disagreeing[0]}: R and T of cameras.pkl '
            'are swapped between cameras or inverted (R is camera-to-world, T the camera centre), or S is wrong.',
        )
